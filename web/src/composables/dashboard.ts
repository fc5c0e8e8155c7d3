import { keepPreviousData, useQuery } from '@tanstack/vue-query'
import { computed, inject, provide, type ComputedRef, type InjectionKey, type Ref } from 'vue'
import { askStats, type LiveReport, type StatsQuery } from '@/api/client'
import type { Day } from '@/domain/dates'
import type { Scope } from '@/domain/query'
import type { View } from '@/domain/view'
import type { Connection } from './useLive'

/// What the parts of a dashboard share.
export interface DashboardContext {
  site: ComputedRef<{ id: string, domain: string, name: string, timezone: string }>
  view: ComputedRef<View>
  change: (patch: Partial<View>, mode?: 'push' | 'replace') => void
  addressOf: (patch: Partial<View>) => string
  scope: ComputedRef<Scope>
  today: Readonly<Ref<Day>>
  firstDay: ComputedRef<Day | undefined>
  live: ComputedRef<LiveReport | undefined>
  connection: Ref<Connection>
  /// Whether the reader may change anything, or looks through a shared link.
  mayManage: boolean
}

const kContext: InjectionKey<DashboardContext> = Symbol('dashboard')

export function provideDashboard(context: DashboardContext) { provide(kContext, context) }

export function useDashboard(): DashboardContext {
  const context = inject(kContext)
  if (!context) throw new Error('useDashboard() outside of a dashboard')
  return context
}

/// The answer to a stats query; while a changed query is under way, the last answer stays.
export function useStats(query: () => StatsQuery | undefined) {
  const asked = computed(query)
  return useQuery({
    queryKey: computed(() => ['stats', asked.value?.site_id ?? '', asked.value]),
    queryFn: ({ signal }) => askStats(asked.value!, signal),
    enabled: computed(() => asked.value !== undefined),
    placeholderData: keepPreviousData,
    staleTime: 60_000,
  })
}
