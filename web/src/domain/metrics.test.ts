import { describe, expect, it } from 'vitest'
import { formatShort } from './format'
import { headlineMetrics, metric, trend } from './metrics'

describe('the headline', () => {
  it('of a page says how long it was read as well, and keeps the rest', () => {
    const usual = headlineMetrics([], false)
    expect(headlineMetrics([{ op: 'is', dimension: 'event:page', values: ['/'] }], false)).toEqual([...usual, 'time_on_page', 'scroll_depth'])
  })
})

describe('a trend', () => {
  it('from nothing is new, not a percentage', () => {
    expect(trend('visitors', 100, 5, 0)).toMatchObject({ text: 'new', mood: 'good' })
    expect(trend('visitors', null, 5, 0)).toMatchObject({ text: 'new' })
    expect(trend('total_revenue', 100, 9.5, 0)).toMatchObject({ text: 'new', mood: 'good' })
  })
  it('of a rate from nothing is neither good nor bad', () => expect(trend('bounce_rate', 100, 40, 0)).toMatchObject({ text: 'new', mood: 'even' }))
  it('from something to something has a direction and a judgement', () => {
    expect(trend('visitors', 50, 15, 10)).toMatchObject({ text: '50%', direction: 'up', mood: 'good' })
    expect(trend('bounce_rate', 50, 15, 10)).toMatchObject({ mood: 'bad' })
    expect(trend('visitors', -100, 0, 10)).toMatchObject({ text: '100%', direction: 'down', mood: 'bad' })
  })
  it('of nothing to nothing, or of what is unknown, is none or unchanged', () => {
    expect(trend('visitors', 0, 0, 0)).toMatchObject({ direction: 'same', mood: 'even' })
    expect(trend('events', null, null, 4)).toBeUndefined()
    expect(trend('visitors', undefined, 4, undefined)).toBeUndefined()
  })
})

it('a number that is not known is a dash, not a nought', () => expect(formatShort(null, metric('events').unit)).toBe('–'))
