import { describe, expect, it } from 'vitest'
import { axisLabel, bucketLabel, formatChange, formatClock, formatDate, formatFull, formatStamp, formatSeconds, formatShort, percentChange, periodLabel, countryName, languageName, zoneNote } from './format'

describe('numbers', () => {
  it('are short on tiles and whole in tables', () => {
    expect(formatShort(9999, 'count')).toBe('9,999')
    expect(formatShort(12_431, 'count')).toBe('12.4K')
    expect(formatFull(12_431, 'count')).toBe('12,431')
    expect(formatFull(7.45, 'percent')).toBe('7.5%')
    expect(formatFull(0.03, 'percent')).toBe('<0.1%')
    expect(formatFull(0.05, 'percent')).toBe('0.1%')
    expect(formatFull(0, 'percent')).toBe('0%')
    expect(formatFull(1520, 'milliseconds')).toBe('1.52 s')
  })
  it('of money carry their currency, if it is one', () => {
    expect(formatFull(49, 'money', 'EUR')).toBe('€49.00')
    expect(formatShort(12_400, 'money', 'USD')).toBe('$12.4K')
    expect(formatFull(49, 'money')).toBe('49')
  })
  it('that are not known are a dash', () => {
    expect(formatShort(null, 'count')).toBe('–')
    expect(formatFull(undefined, 'percent')).toBe('–')
  })
  it('of seconds read as time', () => expect([5, 83, 3599.6, 7384].map(formatSeconds)).toEqual(['5s', '1m 23s', '1h 0m', '2h 3m']))
})

describe('changes', () => {
  it('have a direction', () => {
    expect(formatChange(12.4)).toMatchObject({ text: '12%', direction: 'up', spoken: 'up 12%' })
    expect(formatChange(-3.6)).toMatchObject({ text: '4%', direction: 'down' })
    expect(formatChange(0.2)?.direction).toBe('same')
    expect(formatChange(null)).toBeUndefined()
  })
  it('from nothing have no percentage', () => {
    expect(percentChange(5, 0)).toBeNull()
    expect(percentChange(0, 0)).toBe(0)
    expect(percentChange(15, 10)).toBe(50)
    expect(percentChange(null, 10)).toBeNull()
  })
})

it('labels say where a bucket is, whatever the zone of the reader', () => {
  expect(axisLabel('2026-11-20', 'day')).toBe('Nov 20')
  expect(axisLabel('2026-11-01', 'month')).toBe('Nov 2026')
  expect(bucketLabel('2026-11-16', 'week')).toBe('Week of Nov 16, 2026')
  expect(bucketLabel('2026-11-20 14:00:00', 'hour')).toMatch(/^Fri, Nov 20, 2:00\sPM$/)
})

it('periods are called what they are', () => {
  const now = '2026-11-20'
  expect(periodLabel({ name: 'day' }, now)).toBe('Today')
  expect(periodLabel({ name: 'day', date: '2026-11-19' }, now)).toBe('Yesterday')
  expect(periodLabel({ name: '28d' }, now)).toBe('Last 28 days')
  expect(periodLabel({ name: 'month', date: '2026-10-01' }, now)).toBe('October 2026')
  expect(periodLabel({ name: '7d', date: '2026-11-06' }, now)).toMatch(/Oct 31\s–\sNov 6, 2026/)
})

it('codes become names, and nonsense stays as it is', () => {
  expect(countryName('DE')).toBe('Germany')
  expect(countryName('')).toBe('(not set)')
  expect(languageName('pt-BR')).toBe('Brazilian Portuguese')
  expect(languageName('!!')).toBe('!!')
})

describe('moments', () => {
  const at = '2026-11-20T23:30:05Z'
  it('are told by the clocks of the site', () => {
    expect(formatDate(at, 'Pacific/Auckland')).toBe('Nov 21, 2026')
    expect(formatDate(at, 'America/New_York')).toBe('Nov 20, 2026')
    expect(formatClock(at, 'Europe/Berlin')).toMatch(/^12:30:05\sAM$/)
    expect(formatStamp(at, 'America/New_York')).toMatch(/^Nov 20, 2026, 6:30\sPM$/)
    expect(formatClock(at, 'Mars/Olympus')).toBe(formatClock(at, 'UTC'))
  })
  it('name the zone where the clocks of the reader show another time', () => {
    expect(zoneNote('America/New_York', 'Pacific/Auckland')).toBe('times in America/New York')
    expect(zoneNote('Europe/Vienna', 'Europe/Berlin')).toBeUndefined()
  })
})
