import { countryName, languageName } from './format'
import type { LabelKind } from './reports'

/// Whether a row stands for what has no value; the server says so in words.
export function isUnset(value: string | undefined): boolean {
  return !value || value === '(not set)'
}

/// What a row is called; an empty value has a name of its own.
export function rowText(kind: LabelKind, value: string): string {
  if (!value) return kind === 'source' ? 'Direct / None' : '(not set)'
  if (kind === 'country') return countryName(value)
  if (kind === 'language') return languageName(value)
  return value
}

/// Names of products, as far as a logo is bundled: the first pattern that fits.
const kBrands: [RegExp, string][] = [
  [/gemini/i, 'gemini'], [/^google|google\./i, 'google'], [/bing/i, 'bing'], [/duckduckgo/i, 'duckduckgo'], [/facebook|^fb$/i, 'facebook'],
  [/reddit/i, 'reddit'], [/linkedin/i, 'linkedin'], [/youtube/i, 'youtube'], [/perplexity/i, 'perplexity'], [/claude|anthropic/i, 'claude'],
  [/hacker ?news|ycombinator/i, 'ycombinator'], [/lobste\.?rs/i, 'lobsters'], [/github/i, 'github'], [/chatgpt|openai/i, 'openai'], [/mistral/i, 'mistral'],
  [/^(x|twitter|t\.co)$|twitter\.|^x\.com/i, 'x'], [/mastodon/i, 'mastodon'], [/bluesky|bsky/i, 'bluesky'], [/telegram/i, 'telegram'], [/instagram/i, 'instagram'],
  [/pinterest/i, 'pinterest'], [/tiktok/i, 'tiktok'], [/wikipedia/i, 'wikipedia'], [/ecosia/i, 'ecosia'], [/qwant/i, 'qwant'], [/kagi/i, 'kagi'], [/baidu/i, 'baidu'],
]
const kBrowsers: [RegExp, string][] = [
  [/edge/i, 'edge'], [/opera/i, 'opera'], [/brave/i, 'brave'], [/vivaldi/i, 'vivaldi'], [/duckduckgo/i, 'duckduckgo'],
  [/facebook/i, 'facebook'], [/instagram/i, 'instagram'], [/chrom/i, 'chrome'], [/firefox/i, 'firefox'], [/safari/i, 'safari'],
]
const kSystems: [RegExp, string][] = [
  [/windows/i, 'windows'], [/^(mac|ios|ipados|tvos)/i, 'apple'], [/android/i, 'android'], [/ubuntu/i, 'ubuntu'], [/linux|gnu|debian|fedora/i, 'linux'], [/chrom/i, 'chrome'],
]
const kDevices: Record<string, string> = {
  Desktop: 'i-lucide-monitor', Laptop: 'i-lucide-laptop', Mobile: 'i-lucide-smartphone', Tablet: 'i-lucide-tablet', TV: 'i-lucide-tv', Console: 'i-lucide-gamepad-2', Wearable: 'i-lucide-watch',
}

function brand(table: [RegExp, string][], value: string, otherwise: string): string {
  const found = table.find(([pattern]) => pattern.test(value))
  return found ? `brand:${found[1]}` : otherwise
}

/// The icon before a row's name.
export function rowIcon(kind: LabelKind, value: string): string | undefined {
  switch (kind) {
    case 'source': return !value || value.startsWith('Direct') ? 'i-lucide-corner-down-right' : brand(kBrands, value, 'i-lucide-link')
    case 'browser': return brand(kBrowsers, value, 'i-lucide-app-window')
    case 'os': return brand(kSystems, value, 'i-lucide-cpu')
    case 'device': return (Object.hasOwn(kDevices, value) ? kDevices[value] : undefined) ?? 'i-lucide-circle-help'
    case 'place': case 'country': return 'i-lucide-map-pin'
    case 'goal': return 'i-lucide-target'
    case 'text': case 'page': case 'language': return undefined
  }
}
