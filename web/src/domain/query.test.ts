import { describe, expect, it } from 'vitest'
import { buckets, comparedSeriesQuery, headlineQuery, listMetrics, listQuery, sameVisits, seriesQuery } from './query'
import { defaultView, type View } from './view'

const scope = (view: Partial<View> = {}) => ({ siteId: '7', today: '2026-11-20', view: { ...defaultView(), ...view } })

describe('a query', () => {
  it('carries the site, the period and the filters', () => {
    expect(headlineQuery(scope({ filters: [{ op: 'is', dimension: 'visit:country', values: ['DE'] }] }), ['visitors']))
      .toEqual({ site_id: '7', metrics: ['visitors'], date_range: '28d', filters: [['is', 'visit:country', ['DE']]] })
  })
  it('compares as the view does', () => {
    const query = headlineQuery(scope({ comparison: { mode: 'previous_period', matchWeekday: true } }), ['visitors'])
    expect(query.include?.comparisons).toEqual({ mode: 'previous_period', match_day_of_week: true })
    const custom = headlineQuery(scope({ comparison: { mode: 'custom', from: '2025-01-01', to: '2025-01-31', matchWeekday: false } }), ['visitors'])
    expect(custom.include?.comparisons).toEqual({ mode: 'custom', date_range: ['2025-01-01', '2025-01-31'] })
  })
  it('compares nothing with the present or with everything', () => {
    for (const name of ['realtime', 'all'] as const) {
      expect(headlineQuery(scope({ period: { name }, comparison: { mode: 'previous_period', matchWeekday: false } }), ['visitors']).include).toBeUndefined()
    }
  })
  it('of the compared line asks for the compared days, without an anchor', () => {
    const query = comparedSeriesQuery(scope({ period: { name: 'day', date: '2026-11-02' } }), 'visits', 'hour', ['2026-11-01', '2026-11-01'])
    expect(query).toMatchObject({ date_range: ['2026-11-01', '2026-11-01'], dimensions: ['time:hour'], metrics: ['visits'] })
    expect(query).not.toHaveProperty('date')
  })
  it('of a list searches, sorts and pages', () => {
    const query = listQuery(scope(), { dimensions: ['event:page'], metrics: ['visitors', 'pageviews'], limit: 100, offset: 200, search: 'blog', orderBy: ['pageviews', 'asc'] })
    expect(query).toMatchObject({ filters: [['contains', 'event:page', ['blog'], { case_sensitive: false }]], order_by: [['pageviews', 'asc']], pagination: { limit: 100, offset: 200 }, include: { total_rows: true } })
  })
  it('of the chart asks for every bucket', () => expect(seriesQuery(scope(), 'visitors', 'day').include).toEqual({ time_labels: true }))
})

it('a list under a goal shows conversions', () => {
  expect(listMetrics(scope().view, ['visitors', 'percentage'])).toEqual(['visitors', 'percentage'])
  expect(listMetrics({ ...defaultView(), filters: [{ op: 'is', dimension: 'event:goal', values: ['Signup'] }] }, ['visitors', 'percentage'])).toEqual(['visitors', 'group_conversion_rate'])
})

it('two queries are about the same visits only with the same site, period and filters', () => {
  const google = [{ op: 'is' as const, dimension: 'visit:source', values: ['Google'] }]
  const plain = headlineQuery(scope(), ['visitors'])
  expect(sameVisits(plain, seriesQuery(scope(), 'visits', 'day'))).toBe(true)
  expect(sameVisits(plain, headlineQuery(scope({ comparison: { mode: 'previous_period', matchWeekday: false } }), ['visitors']))).toBe(true)
  for (const view of [{ filters: google }, { period: { name: '7d' as const } }, { period: { name: '28d' as const, date: '2026-10-01' } }]) expect(sameVisits(plain, headlineQuery(scope(view), ['visitors']))).toBe(false)
  expect(sameVisits(plain, headlineQuery({ ...scope(), siteId: '8' }, ['visitors']))).toBe(false)
  expect(sameVisits(undefined, plain)).toBe(false)
})

describe('buckets', () => {
  const rows = [{ dimensions: ['2026-11-02'], metrics: [5] }, { dimensions: ['2026-11-01'], metrics: [3] }]
  it('without a row are empty, those to come are unknown', () => {
    expect(buckets(rows, ['2026-11-01', '2026-11-02', '2026-11-03', '2026-11-04'], '2026-11-03').map(bucket => bucket.value)).toEqual([3, 5, 0, null])
  })
  it('of averages are unknown without a row', () => {
    expect(buckets([{ dimensions: ['2026-11-01'], metrics: [null] }], ['2026-11-01', '2026-11-02'], null, null).map(bucket => bucket.value)).toEqual([null, null])
  })
  it('of what no row knows are unknown throughout', () => {
    expect(buckets([{ dimensions: ['2026-11-01'], metrics: [null] }], ['2026-11-01', '2026-11-02'], null).map(bucket => bucket.value)).toEqual([null, null])
    expect(buckets([], ['2026-11-01'], null).map(bucket => bucket.value)).toEqual([0])
  })
  it('come in order even without labels', () => expect(buckets(rows, [], null).map(bucket => bucket.label)).toEqual(['2026-11-01', '2026-11-02']))
})
