import { keepPreviousData, useQuery } from '@tanstack/vue-query'
import { computed, inject, nextTick, provide, ref, shallowRef, watch, type ComputedRef, type InjectionKey, type Ref } from 'vue'
import { askStats, type LiveReport, type StatsQuery } from '@/api/client'
import type { Day } from '@/domain/dates'
import { sameVisits, type Scope } from '@/domain/query'
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

const kNumbersShown: InjectionKey<Ref<boolean>> = Symbol('numbers shown')

export function provideDashboard(context: DashboardContext) {
  provide(kContext, context)
  provide(kNumbersShown, ref(false))
}

export function useDashboard(): DashboardContext {
  const context = inject(kContext)
  if (!context) throw new Error('useDashboard() outside of a dashboard')
  return context
}

/// Whether the headline stands on the screen. What is heavy and only adorns (the chart, the map, logos) loads after it.
export function useNumbersShown(): Ref<boolean> {
  return inject(kNumbersShown, () => ref(true), true)
}

/// Says that the headline is there once `there` and painted.
export function announceNumbers(there: Ref<boolean>) {
  const shown = useNumbersShown()
  watch(there, async (is) => {
    if (!is || shown.value) return
    await nextTick()
    requestAnimationFrame(() => setTimeout(() => { shown.value = true }))
  }, { immediate: true })
}

/// How numbers look that were asked with other filters or of another period than the ones beside them: there, so that
/// nothing jumps, but not to be read.
export const kOutdated = 'pointer-events-none select-none opacity-40 blur-[3px]'

/// Whether what is shown answers an earlier query about other visits.
export function useOutdated(asked: Ref<StatsQuery | undefined>, isKept: Ref<boolean>, data: Ref<unknown>): ComputedRef<boolean> {
  const answered = shallowRef<StatsQuery>()
  watch([data, isKept], () => { if (data.value !== undefined && !isKept.value) answered.value = asked.value }, { immediate: true, flush: 'sync' })
  return computed(() => isKept.value && !sameVisits(answered.value, asked.value))
}

/// The answer to a stats query; while a changed query is under way, the last answer stays, and is `outdated` where it is
/// about other visits.
export function useStats(query: () => StatsQuery | undefined) {
  const asked = computed(query)
  const answer = useQuery({
    queryKey: computed(() => ['stats', asked.value?.site_id ?? '', asked.value]),
    queryFn: ({ signal }) => askStats(asked.value!, signal),
    enabled: computed(() => asked.value !== undefined),
    placeholderData: keepPreviousData,
    staleTime: 60_000,
  })
  return { ...answer, outdated: useOutdated(asked, answer.isPlaceholderData, answer.data) }
}
