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

/// The zone if this browser knows it, else UTC: as the server does.
export function knownZone(zone: string): string {
  try { return new Intl.DateTimeFormat('en', { timeZone: zone }) && zone }
  catch { return 'UTC' }
}

const formats = new Map<string, Intl.DateTimeFormat>()
function zoned(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone)
  if (!format) formats.set(zone, format = new Intl.DateTimeFormat('en-CA', { year: 'numeric', month: '2-digit', day: '2-digit', timeZone: knownZone(zone) }))
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
  if (!format) clocks.set(zone, format = new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeStyle: 'medium', timeZone: knownZone(zone) }))
  return format.format(new Date(at)).replace(',', '')
}

/// How far the clocks of a zone are ahead of UTC at a moment, in milliseconds.
function offsetOf(zone: string, at: Date): number {
  return labelTime(wallClock(at.toISOString(), zone)).getTime() - Math.floor(at.getTime() / 1000) * 1000
}

/// Noon of a day in a zone: a moment that is on this day for its clocks, whatever the reader's say.
export function noonIn(day: Day, zone: string): string {
  const wanted = new Date(`${day}T12:00:00Z`).getTime()
  // The second look is for zones that change their clocks between noon there and noon in UTC.
  const near = new Date(wanted - offsetOf(zone, new Date(wanted)))
  return new Date(wanted - offsetOf(zone, near)).toISOString()
}

/// Whether the clocks of two zones show the same, now and in the other half of the year.
export function sameClocks(zone: string, other: string, now = new Date()): boolean {
  const kHalfYear = 182 * kDayMs
  return [now, new Date(now.getTime() - kHalfYear)].every(at => offsetOf(zone, at) === offsetOf(other, at))
}
