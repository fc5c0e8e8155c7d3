import { describe, expect, it } from 'vitest'
import { createMemoryHistory, createRouter } from 'vue-router'
import { defaultView, parseView, viewQuery, type View } from './view'

const router = createRouter({ history: createMemoryHistory(), routes: [{ path: '/', component: {} }] })
const throughAddress = (view: View) => parseView(router.resolve(router.resolve({ path: '/', query: viewQuery(view) }).fullPath).query)

describe('a view', () => {
  it('is reproduced by its address', () => {
    const views: View[] = [
      defaultView(),
      { ...defaultView(), period: { name: 'day', date: '2026-11-02' }, metric: 'bounce_rate', interval: 'minute', details: 'top', property: 'plan & price' },
      { ...defaultView(), period: { name: 'custom', from: '2026-01-01', to: '2026-02-03' }, comparison: { mode: 'year_over_year', matchWeekday: true }, tabs: { sources: 'utm_term', places: 'cities' } },
      { ...defaultView(), details: 'top', search: 'a, b & c', sort: ['pageviews', 'asc'] },
      { ...defaultView(), comparison: { mode: 'custom', from: '2025-01-01', to: '2025-01-31', matchWeekday: false } },
      { ...defaultView(), filters: [{ op: 'is', dimension: 'event:page', values: ['/a,b', '/ä?x=1&y#z'] }, { op: 'has_done', dimension: 'event:goal', values: ['Sign up'] }] },
    ]
    for (const view of views) expect(throughAddress(view)).toEqual(view)
  })
  it('has an empty address when it is the usual one', () => expect(viewQuery(defaultView())).toEqual({}))
  it('forgets search and order with the list they belong to', () => {
    expect(viewQuery({ ...defaultView(), search: 'blog', sort: ['visits', 'asc'] })).toEqual({})
    expect(parseView({ search: 'blog', sort: 'visits,asc' })).toEqual(defaultView())
  })
  it('falls back where the address makes no sense', () => {
    expect(parseView({ period: 'fortnight', compare: 'astrology', metric: '__proto__', interval: 'era', f: ['nonsense', 'is,visit:source,a'] }))
      .toEqual({ ...defaultView(), filters: [{ op: 'is', dimension: 'visit:source', values: ['a'] }] })
    expect(parseView({ period: 'custom', from: '2026-02-01', to: '2026-01-01' }).period).toEqual({ name: '28d' })
    expect(parseView({ details: 'top', sort: 'constructor,asc' }).sort).toBeUndefined()
    expect(parseView({ details: 'top', sort: 'visits,sideways' }).sort).toBeUndefined()
    expect(parseView({ compare: 'custom', compare_from: 'x' }).comparison.mode).toBe('off')
  })
})
