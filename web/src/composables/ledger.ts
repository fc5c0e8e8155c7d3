import { api, unwrapAs, type BotHit, type Ledger } from '@/api/client'
import type { Day } from '@/domain/dates'

export function fetchLedger(id: string, from: Day, to: Day) {
  return unwrapAs<Ledger>(api.GET('/api/v1/sites/{site_id}/ledger', { params: { path: { site_id: id }, query: { from, to } } }))
}

export const kBotsPage = 50

export function fetchBots(id: string, cursor: string) {
  const query = { limit: String(kBotsPage), ...(cursor ? { cursor } : {}) }
  return unwrapAs<{ items: BotHit[], next_cursor: string | null }>(api.GET('/api/v1/sites/{site_id}/bots', { params: { path: { site_id: id }, query } }))
}
