/// Shapes that the server's document does not describe yet.

/// The data of a live event, and of nothing else: who is on a site now.
export interface LiveReport {
  site_id: string
  at: string
  current_visitors: number
  /// The last 30 minutes, oldest first.
  minutes: { minute: string, visitors: number, pageviews: number }[]
  pages: Count[]
  sources: Count[]
  countries: Count[]
  totals_today?: { visitors: number, visits: number, pageviews: number, events: number }
  hits_total?: number
  ledger: { accepted: number, bots: number, refused: number }
  first_hit_at?: string | null
}

interface Count { value: string, visitors: number }

export interface Ledger {
  accepted: number
  refused: { reason: string, source: string, count: number }[]
  bots: { name: string, category: string, reason: string, hits: number }[]
  set_aside: number
}

export interface BotHit {
  at: string
  name: string
  category: string
  reason: string
  hostname: string
  path: string
  country: string
  status?: number | null
}
