import { keepPreviousData, useInfiniteQuery } from '@tanstack/vue-query'
import { watchDebounced } from '@vueuse/core'
import { computed, ref, watch } from 'vue'
import { askStats, exportHref, type StatsQuery } from '@/api/client'
import { detailsPlan, detailsQuery, detailsRows, totalQuery } from '@/domain/details'
import { toggleFilter } from '@/domain/filters'
import { trend } from '@/domain/metrics'
import { comparable } from '@/domain/query'
import { reportByKey } from '@/domain/reports'
import { useDashboard, useOutdated, useStats } from './dashboard'

const kTypingMs = 250
const kExportedRows = 10_000

/// The list that the address opens, with its search and order, which live there too.
export function useDetails() {
  const { view, change, scope, site } = useDashboard()
  const report = computed(() => reportByKey(view.value.details ?? '', view.value.filters))
  const plan = computed(() => report.value && detailsPlan(report.value, view.value))
  const request = (offset: number, limit?: number) => report.value && plan.value && detailsQuery(scope.value, report.value, plan.value, offset, limit)

  const search = ref(view.value.search ?? '')
  watchDebounced(search, text => change({ search: text.trim() || undefined }, 'replace'), { debounce: kTypingMs })
  watch(() => view.value.search, (text = '') => { if (text !== search.value.trim()) search.value = text })

  const asked = computed<StatsQuery | undefined>(() => request(0))
  const answer = useInfiniteQuery({
    queryKey: computed(() => ['stats', site.value.id, 'details', asked.value]),
    queryFn: ({ pageParam, signal }) => askStats(request(pageParam)!, signal),
    initialPageParam: 0,
    getNextPageParam: (last, pages) => last.results.length < plan.value!.page ? undefined : pages.length * plan.value!.page,
    enabled: computed(() => asked.value !== undefined),
    placeholderData: keepPreviousData,
  })
  const total = useStats(() => plan.value?.reckonsShare ? totalQuery(scope.value) : undefined)

  const pages = computed(() => answer.data.value?.pages ?? [])
  const rows = computed(() => !report.value || !plan.value ? [] : detailsRows(pages.value.flatMap(part => part.results), report.value, plan.value, view.value, total.data.value?.results[0]?.metrics[0])
    .map(row => ({ ...row, change: comparable(view.value) ? trend('visitors', row.comparison?.change?.[0], row.metrics[0], row.comparison?.metrics?.[0]) : undefined })))
  /// How many rows there are; of what is searched here, those that are shown.
  const count = computed(() => plan.value?.searchedHere && view.value.search ? rows.value.length : pages.value[0]?.meta.total_rows)

  return {
    view, report, plan, search, rows, count,
    currency: computed(() => pages.value[0]?.meta.currency),
    meta: computed(() => pages.value[0]?.meta),
    exported: computed(() => { const query = request(0, kExportedRows); return query && exportHref(site.value.id, query) }),
    /// What is searched here is taken away whole.
    exportsAll: computed(() => Boolean(plan.value?.searchedHere && view.value.search)),
    error: computed(() => answer.error.value ?? total.error.value),
    isPending: answer.isPending, isStale: answer.isPlaceholderData, outdated: useOutdated(asked, answer.isPlaceholderData, answer.data),
    hasNextPage: answer.hasNextPage, isFetchingNextPage: answer.isFetchingNextPage, fetchNextPage: answer.fetchNextPage,
    refetch: () => Promise.all([answer.refetch(), total.refetch()]),
    order: (name: string) => change({ sort: [name, plan.value?.sort[0] === name && plan.value.sort[1] === 'desc' ? 'asc' : 'desc'] }, 'replace'),
    close: () => change({ details: undefined }),
    pick: (value: string) => change({ details: undefined, filters: toggleFilter(view.value.filters, report.value!.dimensions[0]!, value) }),
  }
}
