import { createRequire } from 'node:module'
import type { Plugin } from 'vite'

/// `virtual:brand-icons`: the few logos of browsers, systems and sources that the reports show,
/// as one Iconify collection `brand`, loaded with the dashboard. Names are ours, so that the
/// reports do not depend on how an icon set calls a product.
const kLogos: Record<string, string> = {
  google: 'google-icon', bing: 'bing', duckduckgo: 'duckduckgo', facebook: 'facebook', reddit: 'reddit-icon',
  linkedin: 'linkedin-icon', youtube: 'youtube-icon', perplexity: 'perplexity-icon', claude: 'claude-icon',
  ycombinator: 'ycombinator', chrome: 'chrome', firefox: 'firefox', safari: 'safari', edge: 'microsoft-edge',
  opera: 'opera', brave: 'brave', android: 'android-icon', windows: 'microsoft-windows-icon', linux: 'linux-tux',
  ubuntu: 'ubuntu', vivaldi: 'vivaldi-icon', mastodon: 'mastodon-icon', bluesky: 'bluesky', telegram: 'telegram',
  instagram: 'instagram-icon', pinterest: 'pinterest',
}
/// Single-colour marks: drawn in the colour of the text, so that they are seen on dark too.
const kMarks: Record<string, string> = {
  apple: 'apple', github: 'github', x: 'x', openai: 'openai', tiktok: 'tiktok', ecosia: 'ecosia',
  baidu: 'baidu', wikipedia: 'wikipedia', qwant: 'qwant', kagi: 'kagi', gemini: 'googlegemini', mistral: 'mistralai',
  lobsters: 'lobsters',
}

interface IconSet { icons: Record<string, { body: string, width?: number, height?: number }>, width?: number, height?: number }

export function brandIcons(): Plugin {
  const id = 'virtual:brand-icons'
  return {
    name: 'mainstay-brand-icons',
    resolveId: source => source === id ? `\0${id}` : undefined,
    load(resolved) {
      if (resolved !== `\0${id}`) return
      const load = createRequire(import.meta.url)
      const icons: IconSet['icons'] = {}
      const take = (set: IconSet, names: Record<string, string>) => {
        for (const [ours, theirs] of Object.entries(names)) {
          const icon = set.icons[theirs]
          if (!icon) this.error(`icon ${theirs} is missing from its set`)
          icons[ours] = { width: set.width, height: set.height, ...icon }
        }
      }
      take(load('@iconify-json/logos/icons.json') as IconSet, kLogos)
      take(load('@iconify-json/simple-icons/icons.json') as IconSet, kMarks)
      return `export default ${JSON.stringify({ prefix: 'brand', icons })}`
    },
  }
}
