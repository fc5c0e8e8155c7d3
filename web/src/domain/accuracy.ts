import type { Day } from './dates'
import { periodDays, type Period } from './period'

/// What a reader should know about a count of people over several days: nobody can be recognised the next day.
export function accuracyNote(metric: string, period: Period, today: Day, firstDay?: Day): string | undefined {
  if (metric !== 'visitors' && metric !== 'percentage') return undefined
  const [from, to] = periodDays(period, today, firstDay)
  if (from === to || period.name === 'realtime') return undefined
  return 'Visitors are recognised within a day only: over several days this is the sum of the days.'
}
