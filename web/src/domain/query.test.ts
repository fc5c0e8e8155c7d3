import { describe, expect, it } from 'vitest'
import { buckets, comparedSeriesQuery, headlineQuery, listMetrics, listQuery, seriesQuery } from './query'
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

describe('buckets', () => {
  const rows = [{ dimensions: ['2026-11-02'], metrics: [5] }, { dimensions: ['2026-11-01'], metrics: [3] }]
  it('without a row are empty, those to come are unknown', () => {
    expect(buckets(rows, ['2026-11-01', '2026-11-02', '2026-11-03', '2026-11-04'], '2026-11-03').map(bucket => bucket.value)).toEqual([3, 5, 0, null])
  })
  it('of averages are unknown without a row', () => {
    expect(buckets([{ dimensions: ['2026-11-01'], metrics: [null] }], ['2026-11-01', '2026-11-02'], null, null).map(bucket => bucket.value)).toEqual([null, null])
  })
  it('come in order even without labels', () => expect(buckets(rows, [], null).map(bucket => bucket.label)).toEqual(['2026-11-01', '2026-11-02']))
})
