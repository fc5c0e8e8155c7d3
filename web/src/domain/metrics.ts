import type { Filter } from './filters'
import { formatChange, type Change, type Unit } from './format'

/// Every number that a report can show. `better` says which way is good news.
export interface Metric { label: string, short: string, unit: Unit, better: 'up' | 'down' | 'neither', noun: string }

export const kMetrics: Record<string, Metric> = {
  visitors: { label: 'Unique visitors', short: 'Visitors', unit: 'count', better: 'up', noun: 'visitors' },
  visits: { label: 'Visits', short: 'Visits', unit: 'count', better: 'up', noun: 'visits' },
  pageviews: { label: 'Pageviews', short: 'Pageviews', unit: 'count', better: 'up', noun: 'pageviews' },
  views_per_visit: { label: 'Views per visit', short: 'Views / visit', unit: 'ratio', better: 'up', noun: 'views per visit' },
  bounce_rate: { label: 'Bounce rate', short: 'Bounce rate', unit: 'percent', better: 'down', noun: 'of visits bounced' },
  visit_duration: { label: 'Visit duration', short: 'Duration', unit: 'seconds', better: 'up', noun: 'per visit' },
  events: { label: 'Events', short: 'Events', unit: 'count', better: 'up', noun: 'events' },
  scroll_depth: { label: 'Scroll depth', short: 'Scroll', unit: 'percent', better: 'up', noun: 'of the page seen' },
  time_on_page: { label: 'Time on page', short: 'Time on page', unit: 'seconds', better: 'up', noun: 'on the page' },
  percentage: { label: 'Share', short: '%', unit: 'percent', better: 'neither', noun: 'of visitors' },
  conversion_rate: { label: 'Conversion rate', short: 'CR', unit: 'percent', better: 'up', noun: 'of visitors converted' },
  group_conversion_rate: { label: 'Conversion rate', short: 'CR', unit: 'percent', better: 'up', noun: 'of the group converted' },
  exit_rate: { label: 'Exit rate', short: 'Exit rate', unit: 'percent', better: 'neither', noun: 'of views were the last' },
  total_revenue: { label: 'Total revenue', short: 'Revenue', unit: 'money', better: 'up', noun: 'revenue' },
  average_revenue: { label: 'Average revenue', short: 'Average', unit: 'money', better: 'up', noun: 'per conversion' },
  lcp_p75: { label: 'Largest contentful paint', short: 'LCP', unit: 'milliseconds', better: 'down', noun: 'at the 75th percentile' },
  inp_p75: { label: 'Interaction to next paint', short: 'INP', unit: 'milliseconds', better: 'down', noun: 'at the 75th percentile' },
  cls_p75: { label: 'Cumulative layout shift', short: 'CLS', unit: 'score', better: 'down', noun: 'at the 75th percentile' },
  fcp_p75: { label: 'First contentful paint', short: 'FCP', unit: 'milliseconds', better: 'down', noun: 'at the 75th percentile' },
  ttfb_p75: { label: 'Time to first byte', short: 'TTFB', unit: 'milliseconds', better: 'down', noun: 'at the 75th percentile' },
}

export function metric(name: string): Metric {
  return Object.hasOwn(kMetrics, name) ? kMetrics[name]! : { label: name, short: name, unit: 'count', better: 'neither', noun: name }
}

/// Under a goal filter the same numbers count conversions, and are called so.
export function metricLabel(name: string, filters: Filter[] = []): string {
  if (hasGoal(filters)) {
    if (name === 'visitors') return 'Unique conversions'
    if (name === 'events') return 'Total conversions'
  }
  return metric(name).label
}

export function hasGoal(filters: Filter[]): boolean {
  return filters.some(filter => filter.dimension === 'event:goal' && filter.op === 'is')
}

export function hasPage(filters: Filter[]): boolean {
  return filters.some(filter => filter.dimension === 'event:page')
}

/// The tiles above the chart.
export function headlineMetrics(filters: Filter[], realtime: boolean): string[] {
  if (hasGoal(filters)) return ['visitors', 'events', 'conversion_rate', 'total_revenue', 'average_revenue']
  if (realtime) return ['visitors', 'visits', 'pageviews', 'events']
  const usual = ['visitors', 'visits', 'pageviews', 'views_per_visit', 'bounce_rate', 'visit_duration']
  return hasPage(filters) ? [...usual, 'time_on_page', 'scroll_depth'] : usual
}

/// Whether a change is good news, bad news, or just news.
export function verdict(name: string, change: number): 'good' | 'bad' | 'even' {
  const better = metric(name).better
  if (Math.round(change) === 0 || better === 'neither') return 'even'
  return (change > 0) === (better === 'up') ? 'good' : 'bad'
}

export interface Trend extends Change { mood: 'good' | 'bad' | 'even' }

/// How a value moved against the compared one. What grew from nothing is new: no percentage says by how much.
export function trend(name: string, change: number | null | undefined, now: number | null | undefined, before: number | null | undefined): Trend | undefined {
  const isCount = ['count', 'money'].includes(metric(name).unit)
  if (before === 0 && now) return { text: 'new', direction: 'up', spoken: 'new, from none', mood: isCount ? verdict(name, 100) : 'even' }
  const said = formatChange(change)
  return said && { ...said, mood: verdict(name, change!) }
}

export const kArrows: Record<Change['direction'], string> = { up: '↑', down: '↓', same: '' }

/// Limits of Google's "good" and "needs improvement" (web.dev/vitals).
export const kVitals: { metric: string, good: number, poor: number }[] = [
  { metric: 'lcp_p75', good: 2500, poor: 4000 },
  { metric: 'inp_p75', good: 200, poor: 500 },
  { metric: 'cls_p75', good: 0.1, poor: 0.25 },
  { metric: 'fcp_p75', good: 1800, poor: 3000 },
  { metric: 'ttfb_p75', good: 800, poor: 1800 },
]

export function rateVital(name: string, value: number | null): 'good' | 'fair' | 'poor' | undefined {
  const limits = kVitals.find(vital => vital.metric === name)
  if (!limits || value === null) return undefined
  return value <= limits.good ? 'good' : value <= limits.poor ? 'fair' : 'poor'
}
