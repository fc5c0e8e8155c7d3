import { describe, expect, it } from 'vitest'
import type { StatsRow } from '@/api/client'
import { detailsPlan, detailsQuery, detailsRows, totalQuery } from './details'
import { reportByKey } from './reports'
import { defaultView, type View } from './view'

const scope = (view: Partial<View> = {}) => ({ siteId: '7', today: '2026-11-20', view: { ...defaultView(), ...view } })
const report = (key: string) => reportByKey(key, [])!
const blog = scope({ details: 'top', search: ' blog ', filters: [{ op: 'is', dimension: 'visit:country', values: ['DE'] }] })
const row = (name: string, ...metrics: (number | null)[]): StatsRow => ({ dimensions: [name], metrics })

describe('the details of a list', () => {
  it('leave shares to the server while nothing is searched', () => {
    const plan = detailsPlan(report('top'), scope().view)
    expect(plan).toMatchObject({ reckonsShare: false, sort: ['visitors', 'desc'] })
    expect(detailsQuery(scope(), report('top'), plan, 0).metrics).toContain('percentage')
  })
  it('reckon shares of all visitors while the server searches, whose base would be the search', () => {
    const plan = detailsPlan(report('top'), blog.view)
    const query = detailsQuery(blog, report('top'), plan, 100)
    expect(query.metrics).not.toContain('percentage')
    expect(query.filters).toEqual([['is', 'visit:country', ['DE']], ['contains', 'event:page', ['blog'], { case_sensitive: false }]])
    expect(totalQuery(blog)).toEqual({ site_id: '7', metrics: ['visitors'], date_range: '28d', filters: [['is', 'visit:country', ['DE']]] })
    const shown = detailsRows([row('/blog', 223, 300, 50, 20, 60)], report('top'), plan, blog.view, 656)
    expect(plan.metrics.indexOf('percentage')).toBe(1)
    expect(shown[0]!.metrics[1]).toBeCloseTo(33.99, 1)
    expect(shown[0]!.metrics.slice(2)).toEqual([300, 50, 20, 60])
    expect(detailsRows([row('/blog', 223, 300, 50, 20, 60)], report('top'), plan, blog.view, undefined)[0]!.metrics[1]).toBeNull()
  })
  it('sort by the share as by the visitors it is made of', () => {
    const view: View = { ...blog.view, sort: ['percentage', 'asc'] }
    expect(detailsQuery({ ...blog, view }, report('top'), detailsPlan(report('top'), view), 0).order_by).toEqual([['visitors', 'asc']])
  })
  it('search exit pages here: their rate is of the views of all visits', () => {
    const { view } = scope({ details: 'exit', search: 'blog' })
    const plan = detailsPlan(report('exit'), view)
    expect(plan).toMatchObject({ searchedHere: true, reckonsShare: false })
    expect(detailsQuery(scope(view), report('exit'), plan, 0).filters).toEqual([])
    expect(detailsRows([row('/', 3, 30, 4, 46), row('/Blog/a', 2, 20, 2, 52)], report('exit'), plan, view, undefined).map(each => each.dimensions[0])).toEqual(['/Blog/a'])
  })
  it('search countries by the names that are shown', () => {
    const { view } = scope({ details: 'countries', search: 'germ' })
    const plan = detailsPlan(report('countries'), view)
    expect(detailsRows([row('US', 9, 60, 9, 1, 1), row('DE', 6, 40, 6, 1, 1)], report('countries'), plan, view, undefined).map(each => each.dimensions[0])).toEqual(['DE'])
  })
  it('put what is unknown last, whichever way they are sorted', () => {
    for (const direction of ['asc', 'desc'] as const) {
      const { view } = scope({ details: 'goals', sort: ['events', direction] })
      const plan = detailsPlan(report('goals'), view)
      expect(detailsRows([row('Read a post', 9, null, 2, null, null), row('Signed up', 3, 3, 1, null, null)], report('goals'), plan, view, undefined).map(each => each.dimensions[0])).toEqual(['Signed up', 'Read a post'])
    }
  })
  it('ignore an order that the list does not have', () => {
    expect(detailsPlan(report('top'), { ...defaultView(), sort: ['total_revenue', 'asc'] }).sort).toEqual(['visitors', 'desc'])
  })
})
