import { describe, expect, it } from 'vitest'
import { addDays, addMonths, daysBetween, endOfMonth, isDay, labelTime, noonIn, sameClocks, today, wallClock } from './dates'

describe('days', () => {
  it('are counted across the change to summer time', () => {
    expect(addDays('2026-03-28', 2)).toBe('2026-03-30')
    expect(daysBetween('2026-03-01', '2026-03-31')).toBe(31)
    expect(daysBetween('2026-10-24', '2026-10-26')).toBe(3)
  })
  it('of a longer month become the last one of a shorter', () => {
    expect(addMonths('2026-01-31', 1)).toBe('2026-02-28')
    expect(addMonths('2024-01-31', 1)).toBe('2024-02-29')
    expect(addMonths('2026-03-31', -1)).toBe('2026-02-28')
    expect(addMonths('2026-01-15', -13)).toBe('2024-12-15')
  })
  it('end with their month', () => {
    expect(endOfMonth('2024-02-10')).toBe('2024-02-29')
    expect(endOfMonth('2026-12-01')).toBe('2026-12-31')
  })
  it('that do not exist are none', () => {
    for (const text of ['2026-02-30', '2026-13-01', '26-01-01', 'today', '', undefined, 20260101]) expect(isDay(text)).toBe(false)
    expect(isDay('2024-02-29')).toBe(true)
  })
})

describe('today', () => {
  it('is the day of the site, not of the reader', () => {
    const moment = new Date('2026-11-20T23:30:00Z')
    expect(today('Europe/Berlin', moment)).toBe('2026-11-21')
    expect(today('America/New_York', moment)).toBe('2026-11-20')
    expect(today('Pacific/Kiritimati', moment)).toBe('2026-11-21')
  })
  it('is the day in UTC where the zone is unknown', () => expect(today('Mars/Olympus', new Date('2026-11-20T23:30:00Z'))).toBe('2026-11-20'))
})

it('bucket labels are wall-clock times', () => {
  expect(labelTime('2026-11-20').toISOString()).toBe('2026-11-20T00:00:00.000Z')
  expect(labelTime('2026-11-20 14:00:00').toISOString()).toBe('2026-11-20T14:00:00.000Z')
  expect(labelTime('2026-11-20T14:05:00Z').toISOString()).toBe('2026-11-20T14:05:00.000Z')
})

describe('noon', () => {
  it('is on the day asked for by the clocks of the site', () => {
    for (const zone of ['Pacific/Auckland', 'Pacific/Kiritimati', 'Pacific/Pago_Pago', 'America/New_York', 'Asia/Kathmandu', 'UTC']) {
      for (const day of ['2026-01-01', '2026-03-08', '2026-03-29', '2026-04-05', '2026-09-27', '2026-11-01']) expect(wallClock(noonIn(day, zone), zone)).toBe(`${day} 12:00:00`)
    }
    expect(noonIn('2026-11-20', 'Pacific/Auckland')).toBe('2026-11-19T23:00:00.000Z')
  })
  it('is that of UTC where the zone is unknown', () => expect(noonIn('2026-11-20', 'Mars/Olympus')).toBe('2026-11-20T12:00:00.000Z'))
})

it('zones are alike when their clocks are, all year', () => {
  const now = new Date('2026-07-01T12:00:00Z')
  expect(sameClocks('Europe/Berlin', 'Europe/Vienna', now)).toBe(true)
  expect(sameClocks('Africa/Johannesburg', 'Europe/Berlin', now)).toBe(false)
  expect(sameClocks('UTC', 'Europe/London', now)).toBe(false)
})
