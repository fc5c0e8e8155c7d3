import { api, unwrap } from '@/api/client'
import type { Day } from '@/domain/dates'

export function fetchLedger(id: string, from: Day, to: Day) {
  return unwrap(api.GET('/api/v1/sites/{site_id}/ledger', { params: { path: { site_id: id }, query: { from, to } } }))
}

/// What was refused before it belonged to a site.
export function fetchStrayLedger(from: Day, to: Day) {
  return unwrap(api.GET('/api/v1/ledger', { params: { query: { from, to } } }))
}

export const kBotsPage = 50

export function fetchBots(id: string, cursor: string) {
  const query = { limit: String(kBotsPage), ...(cursor ? { cursor } : {}) }
  return unwrap(api.GET('/api/v1/sites/{site_id}/bots', { params: { path: { site_id: id }, query } }))
}
