/// Calendar days as `YYYY-MM-DD`, reckoned in UTC so that no local time zone can shift them.
export type Day = string

const kDayMs = 86_400_000

export function isDay(text: unknown): text is Day {
  return typeof text === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(text) && toDay(fromDay(text)) === text
}

export function fromDay(day: Day): Date {
  return new Date(`${day}T00:00:00Z`)
}

export function toDay(date: Date): Day {
  return Number.isNaN(date.getTime()) ? '' : date.toISOString().slice(0, 10)
}

/// The day that it is now in `zone`.
export function today(zone: string, now = new Date()): Day {
  const parts = Object.fromEntries(zoned(zone).formatToParts(now).map(part => [part.type, part.value]))
  return `${parts.year}-${parts.month}-${parts.day}`
}

const formats = new Map<string, Intl.DateTimeFormat>()
function zoned(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone)
  if (!format) {
    const options: Intl.DateTimeFormatOptions = { year: 'numeric', month: '2-digit', day: '2-digit' }
    try { format = new Intl.DateTimeFormat('en-CA', { ...options, timeZone: zone }) }
    catch { format = new Intl.DateTimeFormat('en-CA', { ...options, timeZone: 'UTC' }) }
    formats.set(zone, format)
  }
  return format
}

export function addDays(day: Day, count: number): Day {
  return toDay(new Date(fromDay(day).getTime() + count * kDayMs))
}

/// The same day `count` months later, or the last day of that month if it is shorter.
export function addMonths(day: Day, count: number): Day {
  const date = fromDay(day)
  const wanted = date.getUTCDate()
  const first = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + count, 1))
  const last = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 0)).getUTCDate()
  return toDay(new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth(), Math.min(wanted, last))))
}

export function startOfMonth(day: Day): Day { return `${day.slice(0, 8)}01` }
export function endOfMonth(day: Day): Day { return addDays(addMonths(startOfMonth(day), 1), -1) }
export function startOfYear(day: Day): Day { return `${day.slice(0, 4)}-01-01` }
export function endOfYear(day: Day): Day { return `${day.slice(0, 4)}-12-31` }

/// How many days `from`…`to` spans, both included.
export function daysBetween(from: Day, to: Day): number {
  return Math.round((fromDay(to).getTime() - fromDay(from).getTime()) / kDayMs) + 1
}

/// A bucket label of the query API (`2026-11-20` or `2026-11-20 14:00:00`) as wall-clock time in UTC fields.
export function labelTime(label: string): Date {
  const [day = '', clock] = label.split(/[T ]/)
  return new Date(`${day}T${(clock ?? '00:00:00').slice(0, 8).padEnd(8, ':00')}Z`)
}

const clocks = new Map<string, Intl.DateTimeFormat>()

/// The wall-clock time of a moment in a zone, written as the query API writes its labels.
export function wallClock(at: string, zone: string): string {
  let format = clocks.get(zone)
  if (!format) clocks.set(zone, format = new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeStyle: 'medium', timeZone: zone }))
  return format.format(new Date(at)).replace(',', '')
}
