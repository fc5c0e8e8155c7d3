import type { Ledger } from '@/api/client'

/// Reasons of refusal in words. What is not here is shown as the server calls it.
const kReasons: Record<string, string> = {
  unknown_site: 'Unknown site', foreign_origin: 'Foreign origin', site_key_required: 'No site key', excluded_network: 'Excluded network', excluded_path: 'Excluded path',
  excluded_host: 'Excluded host', excluded_country: 'Excluded country', do_not_track: 'Do Not Track', dnt: 'Do Not Track', gpc: 'Global Privacy Control',
  invalid: 'Malformed', malformed: 'Malformed', duplicate: 'Sent twice', late: 'Too late', future: 'In the future', rate_limited: 'Too many at once', spam_referrer: 'Referrer spam',
  oversize: 'Too large', unparsable: 'Unreadable line', not_a_page: 'Not a page', static_file: 'Static file', no_session: 'Engagement without a visit',
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
