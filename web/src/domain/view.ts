import type { LocationQuery, LocationQueryRaw } from 'vue-router'
import { isDay, type Day } from './dates'
import { decodeFilter, encodeFilter, type Filter } from './filters'
import { kMetrics } from './metrics'
import { kIntervals, kPeriods, type Interval, type Period, type PeriodName } from './period'

export type CompareMode = 'off' | 'previous_period' | 'year_over_year' | 'custom'

export interface Comparison {
  mode: CompareMode
  from?: Day
  to?: Day
  matchWeekday: boolean
}

export type Sort = [metric: string, direction: 'asc' | 'desc']

/// Everything that decides what a dashboard shows. It lives in the address, so that a link reproduces it.
export interface View {
  period: Period
  comparison: Comparison
  filters: Filter[]
  metric: string
  interval?: Interval
  /// The open tab of each card, where it is not the first.
  tabs: Record<string, string>
  /// The report whose details are open.
  details?: string
  /// What its rows are searched for, and how they are sorted where it is not by the first number.
  search?: string
  sort?: Sort
  /// The property that the Properties tab breaks down.
  property?: string
}

export const kDefaultPeriod: PeriodName = '28d'
const kCompareModes: CompareMode[] = ['off', 'previous_period', 'year_over_year', 'custom']
const kTabParameters = ['sources', 'pages', 'places', 'devices', 'behaviour']

export function defaultView(): View {
  return { period: { name: kDefaultPeriod }, comparison: { mode: 'off', matchWeekday: false }, filters: [], metric: 'visitors', tabs: {} }
}

/// The view that an address spells. Whatever makes no sense in it is left at its default.
export function parseView(query: LocationQuery): View {
  const view = defaultView()
  const name = one(query.period)
  if (kPeriods.includes(name as PeriodName)) view.period = { name: name as PeriodName }
  view.period = parseDays(view.period, query)
  const compare = one(query.compare)
  if (kCompareModes.includes(compare as CompareMode)) view.comparison.mode = compare as CompareMode
  if (view.comparison.mode === 'custom') {
    const from = one(query.compare_from), to = one(query.compare_to)
    if (isDay(from) && isDay(to) && from <= to) Object.assign(view.comparison, { from, to })
    else view.comparison.mode = 'off'
  }
  view.comparison.matchWeekday = one(query.match) === 'weekday'
  view.filters = many(query.f).map(decodeFilter).filter(filter => filter !== undefined)
  const metric = one(query.metric)
  if (Object.hasOwn(kMetrics, metric)) view.metric = metric
  const interval = one(query.interval)
  if (kIntervals.includes(interval as Interval)) view.interval = interval as Interval
  for (const card of kTabParameters) if (one(query[card])) view.tabs[card] = one(query[card])
  if (one(query.details)) {
    view.details = one(query.details)
    if (one(query.search)) view.search = one(query.search)
    const [by = '', direction] = one(query.sort).split(',')
    if (Object.hasOwn(kMetrics, by) && (direction === 'asc' || direction === 'desc')) view.sort = [by, direction]
  }
  if (one(query.property)) view.property = one(query.property)
  return view
}

function parseDays(period: Period, query: LocationQuery): Period {
  if (period.name === 'custom') {
    const from = one(query.from), to = one(query.to)
    return isDay(from) && isDay(to) && from <= to ? { name: 'custom', from, to } : { name: kDefaultPeriod }
  }
  const date = one(query.date)
  return isDay(date) ? { ...period, date } : period
}

/// The address of a view; defaults are left out, so that addresses stay short.
export function viewQuery(view: View): LocationQueryRaw {
  const query: LocationQueryRaw = {}
  const { period, comparison } = view
  if (period.name !== kDefaultPeriod) query.period = period.name
  if (period.name === 'custom') Object.assign(query, { from: period.from, to: period.to })
  else if (period.date) query.date = period.date
  if (comparison.mode !== 'off') query.compare = comparison.mode
  if (comparison.mode === 'custom') Object.assign(query, { compare_from: comparison.from, compare_to: comparison.to })
  if (comparison.mode !== 'off' && comparison.matchWeekday) query.match = 'weekday'
  if (view.filters.length) query.f = view.filters.map(encodeFilter)
  if (view.metric !== 'visitors') query.metric = view.metric
  if (view.interval) query.interval = view.interval
  Object.assign(query, view.tabs)
  if (view.details) {
    query.details = view.details
    if (view.search) query.search = view.search
    if (view.sort) query.sort = view.sort.join(',')
  }
  if (view.property) query.property = view.property
  return query
}

function one(value: LocationQuery[string] | undefined): string {
  return (Array.isArray(value) ? value[0] : value) ?? ''
}

function many(value: LocationQuery[string] | undefined): string[] {
  return (Array.isArray(value) ? value : [value]).filter(item => typeof item === 'string')
}
