import type { StatsQuery, StatsRow } from '@/api/client'
import type { Day } from './dates'
import { wireFilter } from './filters'
import { hasGoal } from './metrics'
import { canCompare, wirePeriod, type Interval } from './period'
import type { Comparison, View } from './view'

export interface Scope { siteId: string, view: View, today: Day }

/// What every query of a dashboard has in common: the site, the time, the filters.
function base({ siteId, view, today }: Scope, metrics: string[]): StatsQuery {
  return { site_id: siteId, metrics, ...wirePeriod(view.period, today), filters: view.filters.map(wireFilter) }
}

function wireComparison(comparison: Comparison) {
  if (comparison.mode === 'off') return undefined
  if (comparison.mode === 'custom') return { mode: 'custom' as const, date_range: [comparison.from!, comparison.to!] }
  return { mode: comparison.mode, match_day_of_week: comparison.matchWeekday }
}

export function comparable(view: View): boolean {
  return view.comparison.mode !== 'off' && canCompare(view.period)
}

/// Whether two queries look at the same visits: numbers of one may stand in for a moment while the other is under way.
export function sameVisits(a: StatsQuery | undefined, b: StatsQuery | undefined): boolean {
  const visits = (query: StatsQuery | undefined) => JSON.stringify([query?.site_id, query?.date_range, query?.date, query?.filters])
  return visits(a) === visits(b)
}

function withComparison(query: StatsQuery, view: View): StatsQuery {
  const comparisons = comparable(view) ? wireComparison(view.comparison) : undefined
  return comparisons ? { ...query, include: { ...query.include, comparisons } } : query
}

/// The totals above the chart.
export function headlineQuery(scope: Scope, metrics: string[]): StatsQuery {
  return withComparison(base(scope, metrics), scope.view)
}

/// One line of the chart.
export function seriesQuery(scope: Scope, metric: string, interval: Interval): StatsQuery {
  return { ...base(scope, [metric]), dimensions: [`time:${interval}`], include: { time_labels: true } }
}

/// The second line of the chart: the same over the days that the headline was compared with.
export function comparedSeriesQuery(scope: Scope, metric: string, interval: Interval, range: string[]): StatsQuery {
  const { date: _date, ...query } = seriesQuery(scope, metric, interval)
  return { ...query, date_range: range }
}

export interface ListRequest {
  dimensions: string[]
  metrics: string[]
  limit: number
  offset?: number
  search?: string
  orderBy?: [string, 'asc' | 'desc']
}

/// The rows of a card or of its details.
export function listQuery(scope: Scope, list: ListRequest): StatsQuery {
  const query = base(scope, list.metrics)
  const filters = [...query.filters ?? []]
  if (list.search) filters.push(['contains', list.dimensions[0], [list.search], { case_sensitive: false }])
  return withComparison({
    ...query,
    filters,
    dimensions: list.dimensions,
    ...(list.orderBy ? { order_by: [list.orderBy] } : {}),
    include: { total_rows: true },
    pagination: { limit: list.limit, offset: list.offset ?? 0 },
  }, scope.view)
}

/// The metrics of a list: under a goal filter, conversions and their rate.
export function listMetrics(view: View, usual: string[]): string[] {
  return hasGoal(view.filters) ? ['visitors', 'group_conversion_rate'] : usual
}

export interface Bucket { label: string, value: number | null }

/// One value per bucket of the period: of a bucket without a row a count is zero and an average unknown;
/// what comes after the unfinished bucket has not begun.
/// A number that no row has (a scroll goal has no events) is unknown in all of them.
export function buckets(rows: StatsRow[], labels: string[], partial: string | null | undefined, usual: 0 | null = 0): Bucket[] {
  const empty = rows.length && rows.every(row => row.metrics[0] === null) ? null : usual
  const known = new Map(rows.map(row => [row.dimensions[0], row.metrics[0] ?? null]))
  const all = labels.length ? labels : [...known.keys()].filter(label => label !== undefined).sort()
  return all.map(label => ({ label, value: partial && label > partial ? null : known.has(label) ? known.get(label) ?? null : empty }))
}
