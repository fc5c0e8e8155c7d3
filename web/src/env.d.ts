declare module 'virtual:brand-icons' {
  const collection: { prefix: string, icons: Record<string, { body: string, width?: number, height?: number }> }
  export default collection
}
declare module 'virtual:flag-sprite' {
  const address: string
  export default address
}
