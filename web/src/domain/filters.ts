/// A condition on a report, as the editor and the pills show it.
export interface Filter {
  op: FilterOp
  dimension: string
  values: string[]
}

export const kFilterOps = ['is', 'is_not', 'contains', 'contains_not', 'matches', 'matches_not', 'has_done', 'has_not_done'] as const
export type FilterOp = typeof kFilterOps[number]

export type WireFilter = [string, ...unknown[]]

/// One `f` parameter of the address: `is,visit:source,Google,Bing`; a comma or backslash inside a value is escaped.
export function encodeFilter(filter: Filter): string {
  return [filter.op, filter.dimension, ...filter.values].map(part => part.replace(/[\\,]/g, '\\$&')).join(',')
}

/// The filter that `text` spells, or nothing if it spells none.
export function decodeFilter(text: string): Filter | undefined {
  const parts = ['']
  for (let i = 0; i < text.length; i++) {
    const at = text[i]!
    if (at === '\\' && i + 1 < text.length) parts[parts.length - 1] += text[++i]!
    else if (at === ',') parts.push('')
    else parts[parts.length - 1] += at
  }
  const [op, dimension, ...values] = parts
  if (!kFilterOps.includes(op as FilterOp) || !/^(event|visit):/.test(dimension ?? '') || values.length === 0) return undefined
  return { op: op as FilterOp, dimension: dimension!, values }
}

/// The filter as the query API takes it. Goals that somebody has (not) done at any time are nested.
export function wireFilter({ op, dimension, values }: Filter): WireFilter {
  if (op === 'has_done' || op === 'has_not_done') return [op, ['is', dimension, values]]
  if (op === 'contains' || op === 'contains_not') return [op, dimension, values, { case_sensitive: false }]
  return [op, dimension, values]
}

export function sameFilter(a: Filter, b: Filter): boolean {
  return encodeFilter(a) === encodeFilter(b)
}

/// Filters after a click on `value` in a report of `dimension`: the click replaces what was asked of
/// that dimension, and a second click on the same value takes it back.
export function toggleFilter(filters: Filter[], dimension: string, value: string): Filter[] {
  const wanted: Filter = { op: 'is', dimension, values: [value] }
  if (filters.some(filter => sameFilter(filter, wanted))) return filters.filter(filter => !sameFilter(filter, wanted))
  return [...filters.filter(filter => filter.dimension !== dimension || filter.op !== 'is'), wanted]
}

export function filtersOn(filters: Filter[], dimension: string): Filter[] {
  return filters.filter(filter => filter.dimension === dimension)
}

/// The one value that `dimension` is filtered to, if it is exactly one.
export function singleValue(filters: Filter[], dimension: string): string | undefined {
  const found = filters.find(filter => filter.dimension === dimension && filter.op === 'is' && filter.values.length === 1)
  return found?.values[0]
}

/// What is wrong with a regular expression, in words, or nothing. The server matches with RE2, which has no
/// lookaround and no backreferences; where it differs from JavaScript otherwise, the server has the last word.
export function patternProblem(pattern: string): string | undefined {
  const bare = pattern.replace(/\\[\\[\]]/g, '').replace(/\[[^\]]*\]/g, '[]')
  if (/\(\?<?[=!]/.test(bare)) return 'Looking ahead or behind, as in (?=…), is not possible here.'
  if (/\\([1-9]|k[<{'])/.test(bare)) return 'Referring back to a group, as in \\1, is not possible here.'
  const plain = pattern.replace(/\(\?P</g, '(?<').replace(/\(\?[imsU-]+:/g, '(?:').replace(/\(\?[imsU-]+\)/g, '').replace(/\\Q.*?(\\E|$)/g, 'q')
  try {
    new RegExp(plain)
    return undefined
  }
  catch (error) {
    return `Not a regular expression: ${(error as Error).message.replace(/^Invalid regular expression: /, '').replace(/^\/.*\/\w*: /s, '').toLowerCase()}.`
  }
}

/// What is wrong with a filter before it is applied.
export function filterProblem({ op, values }: Filter): string | undefined {
  if (op !== 'matches' && op !== 'matches_not') return undefined
  const found = values.map(value => ({ value, problem: patternProblem(value) })).find(each => each.problem)
  return found && (values.length > 1 ? `${found.value}: ${found.problem}` : found.problem)
}

export const kOpLabels: Record<FilterOp, string> = {
  is: 'is', is_not: 'is not', contains: 'contains', contains_not: 'does not contain',
  matches: 'matches', matches_not: 'does not match', has_done: 'has been done', has_not_done: 'has not been done',
}

/// The operators that make sense for a dimension.
export function opsFor(dimension: string): FilterOp[] {
  if (dimension === 'event:goal') return ['is', 'has_done', 'has_not_done']
  if (['visit:country', 'visit:device', 'visit:channel'].includes(dimension)) return ['is', 'is_not']
  return ['is', 'is_not', 'contains', 'contains_not', 'matches', 'matches_not']
}
