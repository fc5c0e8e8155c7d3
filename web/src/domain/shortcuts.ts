import { addMonths, startOfMonth, type Day } from './dates'
import { canCompare, kPeriodMenu, shiftPeriod, type PeriodChoice, type Period } from './period'
import type { View } from './view'

export type Action =
  | { kind: 'view', patch: Partial<View> }
  | { kind: 'filter' | 'help' | 'custom' | 'interval' }
  | { kind: 'site', index: number }

/// The period that an entry of the menu means today.
export function chosenPeriod(choice: PeriodChoice, today: Day): Period {
  return choice.lastMonth ? { name: 'month', date: addMonths(startOfMonth(today), -1) } : { name: choice.name }
}

/// What a key does on a dashboard, or nothing.
export function keyAction(key: string, view: View, today: Day): Action | undefined {
  const choice = kPeriodMenu.flat().find(entry => entry.key === key)
  if (choice) return { kind: 'view', patch: { period: chosenPeriod(choice, today), interval: undefined } }
  if (/^[1-9]$/.test(key)) return { kind: 'site', index: Number(key) - 1 }
  switch (key) {
    case 'C': return { kind: 'custom' }
    case 'X': return !canCompare(view.period) ? undefined : { kind: 'view', patch: { comparison: { ...view.comparison, mode: view.comparison.mode === 'off' ? 'previous_period' : 'off' } } }
    case 'I': return { kind: 'interval' }
    case '/': return { kind: 'filter' }
    case '?': return { kind: 'help' }
    case 'Escape': return view.filters.length ? { kind: 'view', patch: { filters: [] } } : undefined
    case 'ArrowLeft': case 'ArrowRight': {
      const period = shiftPeriod(view.period, key === 'ArrowLeft' ? -1 : 1, today)
      return period && { kind: 'view', patch: { period } }
    }
    default: return undefined
  }
}
