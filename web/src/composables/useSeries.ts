import { computed } from 'vue'
import { wallClock } from '@/domain/dates'
import { intervalsFor, type Interval } from '@/domain/period'
import { bucketLabel, formatDays, formatFull } from '@/domain/format'
import { headlineMetrics, metric } from '@/domain/metrics'
import { buckets, comparable, comparedSeriesQuery, headlineQuery, seriesQuery, type Bucket } from '@/domain/query'
import { useDashboard, useStats } from './dashboard'

export interface SeriesBucket extends Bucket { unfinished: boolean }

const kLiveMetrics = ['visitors', 'pageviews'] as const

/// The chart's lines: of the chosen metric, in the chosen interval, and of what it is compared with.
export function useSeries() {
  const { site, view, scope, today, firstDay, live } = useDashboard()
  const realtime = computed(() => view.value.period.name === 'realtime')
  const headline = computed(() => headlineMetrics(view.value.filters, realtime.value))
  const name = computed(() => headline.value.includes(view.value.metric) ? view.value.metric : 'visitors')
  const offered = computed(() => intervalsFor(view.value.period, today.value, firstDay.value))
  const choices = computed(() => offered.value.choices)
  const interval = computed<Interval>(() => view.value.interval && choices.value.includes(view.value.interval) ? view.value.interval : offered.value.preset)

  /// The last half hour, unfiltered, is pushed; asking for it would only be slower.
  const pushed = computed<SeriesBucket[] | undefined>(() => {
    const key = kLiveMetrics.find(known => known === name.value)
    if (!realtime.value || view.value.filters.length || !key || !live.value) return undefined
    const minutes = live.value.minutes
    return minutes.map((minute, i) => ({ label: wallClock(minute.minute, site.value.timezone), value: minute[key], unfinished: i === minutes.length - 1 }))
  })

  const query = computed(() => seriesQuery(scope.value, name.value, interval.value))
  const main = useStats(() => pushed.value ? undefined : query.value)
  const headlineAnswer = useStats(() => comparable(view.value) ? headlineQuery(scope.value, headline.value) : undefined)
  const comparedRange = computed(() => comparable(view.value) ? headlineAnswer.data.value?.query.comparison_date_range : undefined)
  const other = useStats(() => comparedRange.value ? comparedSeriesQuery(scope.value, name.value, interval.value, comparedRange.value) : undefined)

  const empty = computed(() => ['count', 'money'].includes(metric(name.value).unit) ? 0 : null)
  const series = computed<SeriesBucket[]>(() => {
    if (pushed.value) return pushed.value
    const answer = main.data.value
    if (!answer) return []
    const partial = answer.meta.partial_time_label
    return buckets(answer.results, answer.meta.time_labels ?? [], partial, empty.value).map(bucket => ({ ...bucket, unfinished: bucket.label === partial }))
  })
  const compared = computed<Bucket[] | undefined>(() => {
    const answer = comparedRange.value && other.data.value
    return answer ? buckets(answer.results, answer.meta.time_labels ?? [], null, empty.value) : undefined
  })

  /// The days of both lines, for the legend.
  const spans = computed(() => {
    const ranges = headlineAnswer.data.value?.query
    const days = (range: string[] | undefined) => range && formatDays(range[0]!.slice(0, 10), range[1]!.slice(0, 10))
    return { own: days(ranges?.date_range) ?? 'this period', compared: days(ranges?.comparison_date_range) ?? 'compared' }
  })

  const summary = computed(() => {
    const known = series.value.filter(bucket => bucket.value !== null)
    const top = known.reduce<SeriesBucket | undefined>((best, bucket) => !best || bucket.value! > best.value! ? bucket : best, undefined)
    if (!top || !top.value) return 'Nothing in this period.'
    const { unit } = metric(name.value)
    return `${known.length} values from ${bucketLabel(known[0]!.label, interval.value)} to ${bucketLabel(known.at(-1)!.label, interval.value)}; highest ${formatFull(top.value, unit)}, ${bucketLabel(top.label, interval.value)}.`
  })

  return {
    series, compared, spans, name, interval, choices, summary, query,
    meta: computed(() => pushed.value && live.value ? { as_of: live.value.at } : main.data.value?.meta),
    error: computed(() => pushed.value ? null : main.error.value),
    isPending: computed(() => !pushed.value && main.isPending.value),
    /// The line answers an earlier question: about the same visits, or about others.
    isStale: computed(() => !pushed.value && main.isPlaceholderData.value),
    outdated: computed(() => !pushed.value && main.outdated.value),
    refetch: main.refetch,
  }
}
