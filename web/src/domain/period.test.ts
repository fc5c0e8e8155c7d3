import { describe, expect, it } from 'vitest'
import { canCompare, drillInto, includesNow, intervalsFor, openingMonth, periodDays, rangeProblem, shiftPeriod, wirePeriod } from './period'

const kToday = '2026-11-20'

describe('a period', () => {
  it('spans its days, today included', () => {
    expect(periodDays({ name: '7d' }, kToday)).toEqual(['2026-11-14', '2026-11-20'])
    expect(periodDays({ name: 'month' }, kToday)).toEqual(['2026-11-01', '2026-11-20'])
    expect(periodDays({ name: 'month', date: '2026-02-01' }, kToday)).toEqual(['2026-02-01', '2026-02-28'])
    expect(periodDays({ name: '12mo' }, kToday)).toEqual(['2025-12-01', '2026-11-20'])
    expect(periodDays({ name: 'all' }, kToday, '2026-01-10')).toEqual(['2026-01-10', kToday])
    expect(periodDays({ name: 'yesterday' }, kToday)).toEqual(['2026-11-19', '2026-11-19'])
  })
  it('is told to the server by name, anchored only when it ends before today', () => {
    expect(wirePeriod({ name: '28d' }, kToday)).toEqual({ date_range: '28d' })
    expect(wirePeriod({ name: '28d', date: kToday }, kToday)).toEqual({ date_range: '28d' })
    expect(wirePeriod({ name: 'day', date: '2026-11-02' }, kToday)).toEqual({ date_range: 'day', date: '2026-11-02' })
    expect(wirePeriod({ name: 'yesterday' }, kToday)).toEqual({ date_range: 'day', date: '2026-11-19' })
    expect(wirePeriod({ name: 'custom', from: '2026-01-01', to: '2026-01-31' }, kToday)).toEqual({ date_range: ['2026-01-01', '2026-01-31'] })
  })
  it('includes now only if it reaches today', () => {
    expect(includesNow({ name: '28d' }, kToday)).toBe(true)
    expect(includesNow({ name: 'realtime' }, kToday)).toBe(true)
    expect(includesNow({ name: 'yesterday' }, kToday)).toBe(false)
    expect(includesNow({ name: 'month', date: '2026-10-01' }, kToday)).toBe(false)
    expect(includesNow({ name: 'custom', from: '2026-11-01', to: '2026-11-19' }, kToday)).toBe(false)
  })
})

describe('the arrows', () => {
  it('step by the length of the period and come back', () => {
    expect(shiftPeriod({ name: 'day' }, -1, kToday)).toEqual({ name: 'day', date: '2026-11-19' })
    expect(shiftPeriod({ name: 'day', date: '2026-11-19' }, 1, kToday)).toEqual({ name: 'day' })
    expect(shiftPeriod({ name: '7d' }, -1, kToday)).toEqual({ name: '7d', date: '2026-11-13' })
    expect(shiftPeriod({ name: '7d', date: '2026-11-13' }, 1, kToday)).toEqual({ name: '7d' })
    expect(shiftPeriod({ name: 'month' }, -1, kToday)).toEqual({ name: 'month', date: '2026-10-01' })
    expect(shiftPeriod({ name: 'month', date: '2026-10-01' }, 1, kToday)).toEqual({ name: 'month' })
    expect(shiftPeriod({ name: 'year' }, -1, kToday)).toEqual({ name: 'year', date: '2025-01-01' })
    expect(shiftPeriod({ name: 'custom', from: '2026-11-01', to: '2026-11-10' }, -1, kToday)).toEqual({ name: 'custom', from: '2026-10-22', to: '2026-10-31' })
  })
  it('do not lead into the future', () => {
    for (const name of ['day', '7d', '28d', 'month', 'year', '6mo', '12mo'] as const) expect(shiftPeriod({ name }, 1, kToday), name).toBeUndefined()
    expect(shiftPeriod({ name: 'custom', from: '2026-11-15', to: kToday }, 1, kToday)).toBeUndefined()
  })
  it('have no meaning for all time and the present', () => {
    for (const name of ['all', 'realtime', '24h'] as const) expect(shiftPeriod({ name }, -1, kToday)).toBeUndefined()
  })
})

describe('a range', () => {
  it('is shown with its end in sight', () => {
    expect(openingMonth('2026-11-20', 1)).toBe('2026-11-01')
    expect(openingMonth('2026-11-20', 2)).toBe('2026-10-01')
    expect(openingMonth('2026-01-31', 2)).toBe('2025-12-01')
  })
  it('that is typed is checked at each field', () => {
    expect(rangeProblem('2026-11-01', '2026-11-20', kToday)).toBeUndefined()
    expect(rangeProblem('2026-02-30', '2026-11-20', kToday)).toEqual({ from: 'Write a day as YYYY-MM-DD.', to: undefined })
    expect(rangeProblem('2026-11-01', '2026-11-21', kToday)?.to).toMatch(/still to come/)
    expect(rangeProblem('2026-11-10', '2026-11-01', kToday)?.to).toMatch(/before the first/)
    expect(rangeProblem('', '', kToday)).toMatchObject({ from: expect.any(String), to: expect.any(String) })
  })
})

it('the present and all time are compared with nothing', () => {
  expect((['realtime', 'all', 'day', '28d', 'custom'] as const).map(name => canCompare({ name }))).toEqual([false, false, true, true, true])
})

describe('the interval', () => {
  it('fits the length of the period', () => {
    expect(intervalsFor({ name: 'realtime' }, kToday).preset).toBe('minute')
    expect(intervalsFor({ name: 'day' }, kToday)).toEqual({ choices: ['minute', 'hour'], preset: 'hour' })
    expect(intervalsFor({ name: '28d' }, kToday)).toEqual({ choices: ['day', 'week'], preset: 'day' })
    expect(intervalsFor({ name: '12mo' }, kToday).preset).toBe('month')
    expect(intervalsFor({ name: 'all' }, kToday, '2026-11-18').preset).toBe('day')
    expect(intervalsFor({ name: 'all' }, kToday, '2020-01-01')).toEqual({ choices: ['week', 'month'], preset: 'month' })
  })
})

describe('a click on a bucket', () => {
  it('opens the days in it', () => {
    expect(drillInto('2026-11-03', 'day', kToday)).toEqual({ name: 'day', date: '2026-11-03' })
    expect(drillInto(kToday, 'day', kToday)).toEqual({ name: 'day' })
    expect(drillInto('2026-11-16', 'week', kToday)).toEqual({ name: 'custom', from: '2026-11-16', to: kToday })
    expect(drillInto('2026-10-01', 'month', kToday)).toEqual({ name: 'month', date: '2026-10-01' })
  })
  it('stops at the hour', () => expect(drillInto('2026-11-03 10:00:00', 'hour', kToday)).toBeUndefined())
})
