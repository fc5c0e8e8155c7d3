import { addDays, addMonths, daysBetween, endOfMonth, endOfYear, isDay, startOfMonth, startOfYear, type Day } from './dates'

export const kPeriods = ['realtime', 'day', 'yesterday', '24h', '7d', '28d', '30d', '91d', 'month', 'year', '6mo', '12mo', 'all', 'custom'] as const
export type PeriodName = typeof kPeriods[number]

/// What time a report is about. `date` moves the period's end away from today; `from`/`to` belong to `custom`.
export interface Period {
  name: PeriodName
  date?: Day
  from?: Day
  to?: Day
}

export const kIntervals = ['minute', 'hour', 'day', 'week', 'month'] as const
export type Interval = typeof kIntervals[number]

export interface PeriodChoice { name: PeriodName, label: string, key: string, lastMonth?: true }

/// The menu of periods in groups, with the key that chooses each.
export const kPeriodMenu: PeriodChoice[][] = [
  [
    { name: 'realtime', label: 'Realtime', key: 'R' },
    { name: 'day', label: 'Today', key: 'D' },
    { name: 'yesterday', label: 'Yesterday', key: 'E' },
    { name: '24h', label: 'Last 24 hours', key: 'H' },
  ],
  [
    { name: '7d', label: 'Last 7 days', key: 'W' },
    { name: '28d', label: 'Last 28 days', key: 'F' },
    { name: '30d', label: 'Last 30 days', key: 'T' },
    { name: '91d', label: 'Last 91 days', key: 'N' },
  ],
  [
    { name: 'month', label: 'Month to date', key: 'M' },
    { name: 'month', label: 'Last month', key: 'P', lastMonth: true },
    { name: 'year', label: 'Year to date', key: 'Y' },
    { name: '6mo', label: 'Last 6 months', key: 'S' },
    { name: '12mo', label: 'Last 12 months', key: 'L' },
    { name: 'all', label: 'All time', key: 'A' },
  ],
]

const kDays: Partial<Record<PeriodName, number>> = { '7d': 7, '28d': 28, '30d': 30, '91d': 91 }
const kMonths: Partial<Record<PeriodName, number>> = { '6mo': 6, '12mo': 12 }

/// The first and last day of a period, given today in the site's zone and the day of the first hit.
export function periodDays(period: Period, now: Day, firstDay: Day = now): [Day, Day] {
  const anchor = period.date ?? now
  switch (period.name) {
    case 'realtime': return [now, now]
    case 'day': return [anchor, anchor]
    case 'yesterday': return [addDays(now, -1), addDays(now, -1)]
    case '24h': return [addDays(now, -1), now]
    case '7d': case '28d': case '30d': case '91d': return [addDays(anchor, 1 - kDays[period.name]!), anchor]
    case 'month': return [startOfMonth(anchor), startOfMonth(anchor) === startOfMonth(now) ? now : endOfMonth(anchor)]
    case 'year': return [startOfYear(anchor), startOfYear(anchor) === startOfYear(now) ? now : endOfYear(anchor)]
    case '6mo': case '12mo': return [startOfMonth(addMonths(anchor, 1 - kMonths[period.name]!)), anchor]
    case 'all': return [firstDay < now ? firstDay : now, now]
    case 'custom': return [period.from ?? now, period.to ?? now]
  }
}

type NamedRange = Exclude<PeriodName, 'custom' | 'yesterday'>

/// The `date_range` (and `date`) of the query API for a period.
export function wirePeriod(period: Period, now: Day): { date_range: NamedRange | [Day, Day], date?: Day } {
  if (period.name === 'custom') return { date_range: periodDays(period, now) }
  if (period.name === 'yesterday') return { date_range: 'day', date: addDays(now, -1) }
  return { date_range: period.name, ...(period.date && period.date !== now ? { date: period.date } : {}) }
}

/// Whether hits of this moment fall into the period, so that it has to move with them.
export function includesNow(period: Period, now: Day): boolean {
  if (period.name === 'yesterday') return false
  return periodDays(period, now)[1] >= now
}

/// Comparing makes no sense while the period is the last half hour or everything.
export function canCompare(period: Period): boolean {
  return period.name !== 'realtime' && period.name !== 'all'
}

/// The first of `months` months that a calendar shows so that the end of a range is in sight.
export function openingMonth(to: Day, months: number): Day {
  return startOfMonth(addMonths(startOfMonth(to), 1 - months))
}

/// What is wrong with two typed days, each under its field; nothing when they are a range up to `latest`.
export function rangeProblem(from: string, to: string, latest: Day): { from?: string, to?: string } | undefined {
  const kShape = 'Write a day as YYYY-MM-DD.'
  const problem = (day: string) => !isDay(day) ? kShape : day > latest ? 'That day is still to come.' : undefined
  const found = { from: problem(from), to: problem(to) }
  if (!found.from && !found.to && to < from) found.to = 'The last day is before the first.'
  return found.from || found.to ? found : undefined
}

/// The period one step earlier or later, or nothing if there is none (or it would lie in the future).
export function shiftPeriod(period: Period, step: -1 | 1, now: Day): Period | undefined {
  const moved = move(period, step, now)
  if (!moved || periodDays(moved, now)[0] > now) return undefined
  if (moved.date && moved.date >= now) return { name: moved.name }
  return moved
}

function move(period: Period, step: -1 | 1, now: Day): Period | undefined {
  const anchor = period.date ?? now
  switch (period.name) {
    case 'realtime': case '24h': case 'all': return undefined
    case 'yesterday': return { name: 'day', date: addDays(now, -1 + step) }
    case 'day': return { name: 'day', date: addDays(anchor, step) }
    case '7d': case '28d': case '30d': case '91d': {
      const end = addDays(anchor, step * kDays[period.name]!)
      if (step === 1 && anchor < now && end > now) return { name: period.name }
      return { name: period.name, date: end }
    }
    case 'month': return monthly('month', addMonths(startOfMonth(anchor), step), now, startOfMonth)
    case 'year': return monthly('year', addMonths(startOfYear(anchor), 12 * step), now, startOfYear)
    case '6mo': case '12mo': {
      const months = kMonths[period.name]!
      const end = addMonths(startOfMonth(anchor), step * months)
      if (end > now) return step === 1 && anchor < now ? { name: period.name } : undefined
      return { name: period.name, date: endOfMonth(end) < now ? endOfMonth(end) : undefined }
    }
    case 'custom': {
      const [from, to] = periodDays(period, now)
      const length = daysBetween(from, to) * step
      return { name: 'custom', from: addDays(from, length), to: addDays(to, length) }
    }
  }
}

function monthly(name: 'month' | 'year', first: Day, now: Day, start: (day: Day) => Day): Period | undefined {
  if (first > now) return undefined
  return first === start(now) ? { name } : { name, date: first }
}

/// The buckets a period can be drawn in, and the one that it starts with.
export function intervalsFor(period: Period, now: Day, firstDay?: Day): { choices: Interval[], preset: Interval } {
  if (period.name === 'realtime') return { choices: ['minute'], preset: 'minute' }
  if (period.name === '24h') return { choices: ['minute', 'hour'], preset: 'hour' }
  const [from, to] = periodDays(period, now, firstDay)
  const days = daysBetween(from, to)
  if (days <= 1) return { choices: ['minute', 'hour'], preset: 'hour' }
  if (days <= 7) return { choices: ['hour', 'day'], preset: 'day' }
  if (days <= 45) return { choices: ['day', 'week'], preset: 'day' }
  if (days <= 100) return { choices: ['day', 'week', 'month'], preset: 'day' }
  if (days <= 400) return { choices: ['day', 'week', 'month'], preset: 'month' }
  return { choices: ['week', 'month'], preset: 'month' }
}

/// The period that a click on a bucket of the chart opens, if it is longer than what a day can show.
export function drillInto(label: string, interval: Interval, now: Day): Period | undefined {
  const day = label.slice(0, 10)
  if (!isDay(day)) return undefined
  if (interval === 'day') return day === now ? { name: 'day' } : { name: 'day', date: day }
  if (interval === 'week') return { name: 'custom', from: day, to: addDays(day, 6) < now ? addDays(day, 6) : now }
  if (interval === 'month') return startOfMonth(day) === startOfMonth(now) ? { name: 'month' } : { name: 'month', date: startOfMonth(day) }
  return undefined
}
