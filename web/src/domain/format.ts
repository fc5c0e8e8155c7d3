import { addDays, fromDay, knownZone, labelTime, sameClocks, type Day } from './dates'
import { periodDays, type Interval, type Period } from './period'

/// Numbers, dates and durations in the reader's own locale.
const locale = typeof navigator === 'undefined' ? 'en' : navigator.language

const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 })
const tenths = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 })
const hundredths = new Intl.NumberFormat(locale, { maximumFractionDigits: 2 })
const short = new Intl.NumberFormat(locale, { notation: 'compact', maximumFractionDigits: 1 })

export type Unit = 'count' | 'ratio' | 'percent' | 'seconds' | 'milliseconds' | 'score' | 'money'

/// What a unit is called beside numbers that do not show it; a count is a count.
export const kUnitWords: Record<Unit, string> = { count: '', ratio: '', percent: 'percent', seconds: 'minutes and seconds', milliseconds: 'milliseconds', score: '', money: '' }

export const kMissing = '–'

/// A measured value, short enough for a tile: `12.4K`, `58%`, `1m 23s`.
export function formatShort(value: number | null | undefined, unit: Unit, currency?: string): string {
  if (value === null || value === undefined) return kMissing
  if (unit === 'count') return Math.abs(value) < 10_000 ? whole.format(value) : short.format(value)
  return formatFull(value, unit, currency)
}

/// A measured value in full: `12,431`.
export function formatFull(value: number | null | undefined, unit: Unit, currency?: string): string {
  if (value === null || value === undefined) return kMissing
  switch (unit) {
    case 'count': return whole.format(value)
    case 'ratio': return hundredths.format(value)
    case 'percent': return formatPercent(value)
    case 'seconds': return formatSeconds(value)
    case 'milliseconds': return value < 1000 ? `${whole.format(value)} ms` : `${hundredths.format(value / 1000)} s`
    case 'score': return hundredths.format(value)
    case 'money': return formatMoney(value, currency)
  }
}

/// Little is not nothing: `<0.1%`.
function formatPercent(value: number): string {
  if (value > 0 && value < 0.05) return `<${tenths.format(0.1)}%`
  return `${Math.abs(value) < 10 ? tenths.format(value) : whole.format(value)}%`
}

function formatMoney(value: number, currency: string | undefined): string {
  const options: Intl.NumberFormatOptions = Math.abs(value) < 10_000 ? { maximumFractionDigits: 2 } : { notation: 'compact', maximumFractionDigits: 1 }
  if (!currency || !/^[A-Z]{3}$/.test(currency)) return new Intl.NumberFormat(locale, options).format(value)
  return new Intl.NumberFormat(locale, { ...options, style: 'currency', currency }).format(value)
}

export function formatSeconds(seconds: number): string {
  const total = Math.round(seconds)
  const h = Math.floor(total / 3600), m = Math.floor(total % 3600 / 60), s = total % 60
  if (h > 0) return `${h}h ${m}m`
  if (m > 0) return `${m}m ${String(s).padStart(2, '0')}s`
  return `${s}s`
}

export interface Change { text: string, direction: 'up' | 'down' | 'same', spoken: string }

/// How much a value changed against the compared one, in percent.
export function formatChange(change: number | null | undefined): Change | undefined {
  if (change === null || change === undefined || !Number.isFinite(change)) return undefined
  const rounded = Math.round(change)
  if (rounded === 0) return { text: '0%', direction: 'same', spoken: 'unchanged' }
  const text = `${whole.format(Math.abs(rounded))}%`
  return rounded > 0 ? { text, direction: 'up', spoken: `up ${text}` } : { text, direction: 'down', spoken: `down ${text}` }
}

/// The change from `before` to `now` in percent; from nothing to something there is none.
export function percentChange(now: number | null, before: number | null): number | null {
  if (now === null || before === null) return null
  if (before === 0) return now === 0 ? 0 : null
  return (now - before) / before * 100
}

const utc = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(locale, { ...options, timeZone: 'UTC' })
const kDayMonth = utc({ day: 'numeric', month: 'short' })
const kDayMonthYear = utc({ day: 'numeric', month: 'short', year: 'numeric' })
const kWeekday = utc({ weekday: 'short', day: 'numeric', month: 'short' })
const kWeekdayYear = utc({ weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' })
const kMonth = utc({ month: 'short', year: 'numeric' })
const kMonthLong = utc({ month: 'long', year: 'numeric' })
const kClock = utc({ hour: 'numeric', minute: '2-digit' })

/// A bucket under the chart's axis.
export function axisLabel(label: string, interval: Interval): string {
  const time = labelTime(label)
  if (Number.isNaN(time.getTime())) return label
  if (interval === 'month') return kMonth.format(time)
  if (interval === 'hour' || interval === 'minute') return kClock.format(time)
  return kDayMonth.format(time)
}

/// A bucket in the tooltip and in the table: complete enough to stand alone.
export function bucketLabel(label: string, interval: Interval): string {
  const time = labelTime(label)
  if (Number.isNaN(time.getTime())) return label
  switch (interval) {
    case 'month': return kMonthLong.format(time)
    case 'week': return `Week of ${kDayMonthYear.format(time)}`
    case 'day': return kWeekdayYear.format(time)
    default: return `${kWeekday.format(time)}, ${kClock.format(time)}`
  }
}

export function formatDay(day: Day): string { return kDayMonthYear.format(fromDay(day)) }

export function formatDays(from: Day, to: Day): string {
  if (from === to) return kWeekdayYear.format(fromDay(from))
  return kDayMonthYear.formatRange(fromDay(from), fromDay(to))
}

/// The name of a period on the date picker.
export function periodLabel(period: Period, now: Day): string {
  const [from, to] = periodDays(period, now)
  switch (period.name) {
    case 'realtime': return 'Realtime'
    case 'all': return 'All time'
    case '24h': return 'Last 24 hours'
    case 'yesterday': return 'Yesterday'
    case 'day': return from === now ? 'Today' : from === addDays(now, -1) ? 'Yesterday' : formatDays(from, from)
    case 'month': return kMonthLong.format(fromDay(from))
    case 'year': return from.slice(0, 4)
    case 'custom': return formatDays(from, to)
    default:
      if (period.date && period.date !== now) return formatDays(from, to)
      return period.name.endsWith('mo') ? `Last ${period.name.slice(0, -2)} months` : `Last ${period.name.slice(0, -1)} days`
  }
}

const kClockStyle: Intl.DateTimeFormatOptions = { hour: 'numeric', minute: '2-digit', second: '2-digit' }
const kStampStyle: Intl.DateTimeFormatOptions = { dateStyle: 'medium', timeStyle: 'short' }
const kDateStyle: Intl.DateTimeFormatOptions = { dateStyle: 'medium' }
const kZoned = new Map<Intl.DateTimeFormatOptions, Map<string, Intl.DateTimeFormat>>()

function inZone(style: Intl.DateTimeFormatOptions, zone = ''): Intl.DateTimeFormat {
  const formats = kZoned.get(style) ?? new Map<string, Intl.DateTimeFormat>()
  const format = formats.get(zone) ?? new Intl.DateTimeFormat(locale, { ...style, timeZone: zone ? knownZone(zone) : undefined })
  kZoned.set(style, formats.set(zone, format))
  return format
}

/// Moments in `zone`, that of the site on all pages of a site; without one in the reader's own.
export function formatClock(at: string | number | Date, zone?: string): string { return inZone(kClockStyle, zone).format(new Date(at)) }
export function formatStamp(at: string | number | Date, zone?: string): string { return inZone(kStampStyle, zone).format(new Date(at)) }
export function formatDate(at: string | number | Date, zone?: string): string { return inZone(kDateStyle, zone).format(new Date(at)) }

/// Whose clocks the times of a page are of, where the reader's own show another time.
export function zoneNote(zone: string, own = Intl.DateTimeFormat().resolvedOptions().timeZone): string | undefined {
  return sameClocks(zone, own) ? undefined : `times in ${knownZone(zone).replace(/_/g, ' ')}`
}

const kRegions = new Intl.DisplayNames([locale], { type: 'region' })
const kLanguages = new Intl.DisplayNames([locale], { type: 'language' })

export function countryName(code: string): string {
  if (!/^[A-Z]{2}$/.test(code)) return code || '(not set)'
  try { return kRegions.of(code) ?? code } catch { return code }
}

export function languageName(code: string): string {
  if (!/^[a-z]{2,3}([-_][A-Za-z0-9]+)*$/.test(code)) return code || '(not set)'
  try { return kLanguages.of(code.replace('_', '-')) ?? code } catch { return code }
}
