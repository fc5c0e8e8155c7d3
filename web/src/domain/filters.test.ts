import { describe, expect, it } from 'vitest'
import { decodeFilter, encodeFilter, filterProblem, opsFor, patternProblem, singleValue, toggleFilter, wireFilter, type Filter } from './filters'

const google: Filter = { op: 'is', dimension: 'visit:source', values: ['Google'] }

describe('a filter in the address', () => {
  it('comes back as it went', () => {
    const filters: Filter[] = [google, { op: 'contains_not', dimension: 'event:page', values: ['/a,b', 'c\\d', 'ü&=#'] }, { op: 'is', dimension: 'visit:source', values: [''] }]
    for (const filter of filters) expect(decodeFilter(encodeFilter(filter))).toEqual(filter)
  })
  it('is nothing when it makes no sense', () => {
    for (const text of ['', 'is', 'is,visit:source', 'equals,visit:source,a', 'is,constructor,a', 'drop table']) expect(decodeFilter(text)).toBeUndefined()
  })
})

describe('a filter on the wire', () => {
  it('nests goals that somebody has done', () => {
    expect(wireFilter({ op: 'has_not_done', dimension: 'event:goal', values: ['Signup'] })).toEqual(['has_not_done', ['is', 'event:goal', ['Signup']]])
  })
  it('ignores case when it searches inside of values', () => {
    expect(wireFilter({ op: 'contains', dimension: 'event:page', values: ['blog'] })).toEqual(['contains', 'event:page', ['blog'], { case_sensitive: false }])
  })
  it('matches whole values exactly', () => {
    expect(wireFilter(google)).toEqual(['is', 'visit:source', ['Google']])
  })
})

describe('a click on a row', () => {
  it('filters by it', () => expect(toggleFilter([], 'visit:source', 'Google')).toEqual([google]))
  it('takes the filter back the second time', () => expect(toggleFilter([google], 'visit:source', 'Google')).toEqual([]))
  it('replaces what was asked of the same dimension and keeps the rest', () => {
    const page: Filter = { op: 'is', dimension: 'event:page', values: ['/'] }
    const not: Filter = { op: 'is_not', dimension: 'visit:source', values: ['Bing'] }
    expect(toggleFilter([google, page, not], 'visit:source', 'GitHub')).toEqual([page, not, { ...google, values: ['GitHub'] }])
  })
})

describe('a regular expression', () => {
  it('is refused before it reaches the server when it is none', () => {
    for (const pattern of ['(((', '[a', 'a**', '(?<name', '*']) expect(patternProblem(pattern), pattern).toMatch(/^Not a regular expression: [a-z ]+/)
  })
  it('may not look around or refer back: RE2 cannot', () => {
    for (const pattern of ['(?=a)', '/docs(?!/api)', '(?<=a)b', '(?<!a)b']) expect(patternProblem(pattern), pattern).toMatch(/ahead or behind/)
    for (const pattern of ['(a)\\1', '(?<x>a)\\k<x>']) expect(patternProblem(pattern), pattern).toMatch(/back to a group/)
  })
  it('passes when RE2 knows it, even where JavaScript writes it otherwise', () => {
    for (const pattern of ['^/docs/.*$', '(?i)pricing', '(?P<year>\\d{4})', '(?i:a)b', '\\Q(((\\E', '[(?=]', 'a\\.b', '\\\\1', '[[:alpha:]]+', '\\pL']) expect(patternProblem(pattern), pattern).toBeUndefined()
  })
  it('is only looked for where one is meant, and named among several', () => {
    expect(filterProblem({ op: 'is', dimension: 'event:page', values: ['((('] })).toBeUndefined()
    expect(filterProblem({ op: 'matches', dimension: 'event:page', values: ['docs', '((('] })).toMatch(/^\(\(\(: Not/)
    expect(filterProblem({ op: 'matches_not', dimension: 'event:page', values: ['docs'] })).toBeUndefined()
  })
})

it('goals can be asked for as done or not done', () => expect(opsFor('event:goal')).toEqual(['is', 'has_done', 'has_not_done']))
it('a single value is one only if it is alone', () => {
  expect(singleValue([google], 'visit:source')).toBe('Google')
  expect(singleValue([{ ...google, values: ['a', 'b'] }], 'visit:source')).toBeUndefined()
  expect(singleValue([{ ...google, op: 'is_not' }], 'visit:source')).toBeUndefined()
})
