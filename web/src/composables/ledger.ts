import { useQuery } from '@tanstack/vue-query'
import { computed, type Ref } from 'vue'
import { api, unwrap } from '@/api/client'
import { today as todayIn, type Day } from '@/domain/dates'
import { refusalRemedy, refusalText } from '@/domain/ledger'

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

/// The live stream tells of hits that were taken, not of those refused on arrival: these are asked for.
const kRefusedEveryMs = 3000

/// What came in vain since a site was made, while it waits for its first hit.
export function useRefusedMeanwhile(site: Ref<{ id: string, timezone: string, created_at?: string }>) {
  const from = computed(() => todayIn(site.value.timezone, site.value.created_at ? new Date(site.value.created_at) : undefined))
  const { data } = useQuery({
    queryKey: computed(() => ['ledger', site.value.id, 'meanwhile', from.value]),
    queryFn: () => fetchLedger(site.value.id, from.value, todayIn(site.value.timezone)),
    refetchInterval: kRefusedEveryMs,
  })
  return {
    text: computed(() => data.value && refusalText(data.value)),
    remedy: computed(() => data.value && refusalRemedy(data.value, site.value.id)),
  }
}
