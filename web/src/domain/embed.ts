/// Whether another page shows this one within it: then it is a shared dashboard and nothing else, whoever is signed in here.
export function isFramed(): boolean {
  return typeof window !== 'undefined' && window.top !== window.self
}

const kEscapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '"': '&quot;' }

/// HTML that shows the shared dashboard at `address` in another page.
export function embedCode(address: string, domain: string): string {
  const attribute = (text: string) => text.replace(/[&<"]/g, sign => kEscapes[sign]!)
  return `<iframe src="${attribute(address)}?embed=1" title="Visits of ${attribute(domain)}" loading="lazy" style="width: 100%; height: 1600px; border: 0"></iframe>`
}
