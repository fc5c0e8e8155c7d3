import { createRequire } from 'node:module'
import type { Plugin } from 'vite'

/// `virtual:flag-sprite`: the address of one SVG file with every country's flag as a <symbol>,
/// fetched once, when the first flag is drawn.
export function flagSprite(): Plugin {
  const id = 'virtual:flag-sprite'
  let building = false
  const sprite = () => {
    const flags = createRequire(import.meta.url)('country-flag-icons/string/3x2') as Record<string, string>
    const symbols = Object.entries(flags).filter(([code]) => code.length === 2).map(([code, svg]) =>
      svg.replace(/^<svg[^>]*?viewBox="([^"]+)"[^>]*>/, `<symbol id="${code}" viewBox="$1">`).replace(/<\/svg>\s*$/, '</symbol>'))
    return `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">${symbols.join('')}</svg>`
  }
  return {
    name: 'mainstay-flag-sprite',
    configResolved(config) { building = config.command === 'build' },
    configureServer(server) {
      server.middlewares.use('/flags.svg', (_request, response) => {
        response.setHeader('Content-Type', 'image/svg+xml')
        response.end(sprite())
      })
    },
    resolveId: source => source === id ? `\0${id}` : undefined,
    load(resolved) {
      if (resolved !== `\0${id}`) return
      if (!building) return `export default '/flags.svg'`
      const file = this.emitFile({ type: 'asset', name: 'flags.svg', source: sprite() })
      return `export default import.meta.ROLLUP_FILE_URL_${file}`
    },
  }
}
