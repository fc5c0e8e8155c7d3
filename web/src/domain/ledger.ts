import type { Ledger, Site, StrayRefusal } from '@/api/client'
import type { Day } from './dates'
import { formatDays, formatFull, periodLabel } from './format'
import { periodDays, type Period } from './period'

/// Reasons of refusal in words. What is not here is shown as the server calls it.
const kReasons: Record<string, string> = {
  unknown_site: 'Unknown site', wrong_site_key: 'Wrong site key', site_key_required: 'No site key', no_origin: 'No origin and no key', foreign_origin: 'Foreign origin', rate_limited: 'Too many at once',
  gpc: 'Global Privacy Control', dnt: 'Do Not Track', foreign_page: 'Page of another host', spam_referrer: 'Referrer spam',
  excluded_path: 'Excluded path', excluded_host: 'Excluded host', excluded_network: 'Excluded network', excluded_country: 'Excluded country',
  malformed: 'Unreadable body', bad_event: 'Malformed event', bad_url: 'Malformed address', too_many_events: 'Too many events in one request', unsupported_media: 'Unsupported media type',
  unsupported_encoding: 'Unsupported encoding', unknown_encoding: 'Unsupported encoding', bad_encoding: 'Damaged compression', compression_bomb: 'Compressed beyond measure',
  body_too_large: 'Body too large', body_timeout: 'Body came too slowly', bad_chunk: 'Damaged body', unknown_log_format: 'Unknown log format', too_many_imports: 'Too many imports at once',
  bad_piece: 'Piece without a number or import', piece_out_of_order: 'Piece of a log out of order',
  queue_full: 'Queue full', body_memory: 'Too many bodies at once', unavailable: 'Out of service', internal: 'A fault of the server', other: 'Other reasons',
  duplicate: 'Sent twice', late: 'Too late', future: 'In the future', past_retention: 'Older than the retention', no_visit: 'Engagement without a visit',
  unparsable: 'Unreadable line', static_file: 'Static file', not_found: 'Not found', redirect: 'Redirect', error_status: 'Error status', method: 'Not a page’s method',
}
const kCategories: Record<string, string> = {
  ai_crawler: 'AI crawlers', search: 'Search engines', monitor: 'Monitors', preview: 'Link previews', tool: 'Tools', feed: 'Feed readers', seo: 'SEO crawlers', other: 'Other bots',
}

export function reasonLabel(reason: string): string {
  const words = reason.replace(/[_.]/g, ' ')
  return kReasons[reason] ?? words.charAt(0).toUpperCase() + words.slice(1)
}

export function categoryLabel(category: string): string {
  return kCategories[category] ?? reasonLabel(category)
}

/// The site whose snippet a refused hit was probably meant to carry: the one that has the page's host, or nearly the
/// domain that was asked for.
export function nearestSite<Known extends Pick<Site, 'id' | 'domain' | 'hosts'>>(row: Pick<StrayRefusal, 'reason' | 'asked_site' | 'asked_host'>, sites: Known[]): Known | undefined {
  if (row.reason !== 'unknown_site') return undefined
  const owns = (host: string) => host === row.asked_host || (host.startsWith('*.') && row.asked_host.endsWith(host.slice(1)))
  return sites.find(site => row.asked_host && site.hosts.some(owns)) ?? sites.find(site => row.asked_site && distance(site.domain, row.asked_site) <= 2)
}

/// How many letters must be put in, left out or changed to make `a` of `b` (Levenshtein).
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) next[j] = Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + Number(a[i - 1] !== b[j - 1]))
    row = next
  }
  return row[b.length]!
}

export interface RefusalGroup { reason: string, source: string, count: number, hosts: { host: string, count: number }[] }

/// Refusals by reason and source, the commonest first, each with those hosts that are named, the commonest first.
export function refusalGroups(refused: Ledger['refused']): RefusalGroup[] {
  const groups = new Map<string, RefusalGroup>()
  for (const { reason, source, host, count } of refused) {
    const key = `${source} ${reason}`
    const group = groups.get(key) ?? { reason, source, count: 0, hosts: [] }
    group.count += count
    if (host) group.hosts.push({ host, count })
    groups.set(key, group)
  }
  for (const group of groups.values()) group.hosts.sort((a, b) => b.count - a.count)
  return [...groups.values()].sort((a, b) => b.count - a.count)
}

export interface BotGroup { category: string, label: string, hits: number, names: { name: string, hits: number, reason: string }[] }

/// Bots by what they are for, AI crawlers first, then the busiest.
export function botGroups(ledger: Ledger): BotGroup[] {
  const groups = new Map<string, BotGroup>()
  for (const bot of ledger.bots) {
    const group = groups.get(bot.category) ?? { category: bot.category, label: categoryLabel(bot.category), hits: 0, names: [] }
    group.hits += bot.hits
    group.names.push({ name: bot.name, hits: bot.hits, reason: bot.reason })
    groups.set(bot.category, group)
  }
  for (const group of groups.values()) group.names.sort((a, b) => b.hits - a.hits)
  return [...groups.values()].sort((a, b) => Number(b.category === 'ai_crawler') - Number(a.category === 'ai_crawler') || b.hits - a.hits)
}

export function ledgerTotals(ledger: Ledger) {
  const refused = ledger.refused.reduce((sum, entry) => sum + entry.count, 0)
  const bots = ledger.bots.reduce((sum, bot) => sum + bot.hits, 0)
  return { accepted: ledger.accepted, refused, bots, setAside: ledger.set_aside, all: ledger.accepted + refused + bots + ledger.set_aside }
}

/// What the days of a ledger are called beside reports of `period`; it counts by whole days, also where they do not.
export function ledgerSpan(period: Period, today: Day, firstDay?: Day): string {
  if (period.name === 'realtime') return 'The whole of today'
  if (period.name === '24h') return formatDays(...periodDays(period, today, firstDay))
  return periodLabel(period, today)
}

/// Whether refusals, which count on the day they came, stand beside hits, which count on the day they are of.
export function mixesDays(ledger: Ledger): boolean {
  const { accepted, bots, refused } = ledgerTotals(ledger)
  return refused > 0 && accepted + bots > 0
}

const hits = (count: number) => `${formatFull(count, 'count')} ${count === 1 ? 'hit was' : 'hits were'}`

/// What was refused and why, the commonest reason first: "2 hits were refused: foreign origin www.example.net."
export function refusalText(ledger: Ledger): string | undefined {
  const groups = refusalGroups(ledger.refused.filter(entry => entry.count > 0).map(entry => ({ ...entry, source: '' })))
  const { refused, bots } = ledgerTotals(ledger)
  const named = groups.map(({ reason, count, hosts: [host] }) => [
    inSentence(reasonLabel(reason)), ...(host ? [host.host] : []), ...(host && host.count < count ? ['and others'] : []), ...(groups.length > 1 ? [`(${formatFull(count, 'count')})`] : []),
  ].join(' '))
  const parts = [refused && `${hits(refused)} refused: ${named.join(', ')}.`, bots && `${hits(bots)} judged to come from ${bots === 1 ? 'a bot' : 'bots'}.`].filter(Boolean)
  return parts.length ? parts.join(' ') : undefined
}

/// "Foreign origin" within a sentence; names such as "Do Not Track" stay as they are.
function inSentence(label: string): string {
  return /^\S+ [A-Z]/.test(label) ? label : label.charAt(0).toLowerCase() + label.slice(1)
}

const kSections: Record<string, { section: string, label: string }> = {
  foreign_origin: { section: 'general', label: 'Allow this host in settings' }, foreign_page: { section: 'general', label: 'Allow this host in settings' },
  excluded_path: { section: 'excluded', label: 'Change what is excluded' }, excluded_host: { section: 'excluded', label: 'Change what is excluded' },
  excluded_network: { section: 'excluded', label: 'Change what is excluded' }, excluded_country: { section: 'excluded', label: 'Change what is excluded' },
  gpc: { section: 'privacy', label: 'Change what is honoured' }, dnt: { section: 'privacy', label: 'Change what is honoured' },
  wrong_site_key: { section: 'install', label: 'Show the site key' }, site_key_required: { section: 'install', label: 'Show the site key' }, no_origin: { section: 'install', label: 'Show the site key' },
}

/// Where to mend the commonest reason of refusal, or else the ledger that tells all about it.
export function refusalRemedy(ledger: Ledger, siteId: string): { label: string, to: string } {
  const [worst] = refusalGroups(ledger.refused)
  const known = worst && Object.hasOwn(kSections, worst.reason) ? kSections[worst.reason] : undefined
  const [host] = worst?.hosts ?? []
  return known ? { label: known.label, to: `/sites/${siteId}/settings/${known.section}${host ? `?host=${encodeURIComponent(host.host)}` : ''}` } : { label: 'Open ledger', to: `/sites/${siteId}/ledger` }
}
