import type { StatsQuery, StatsRow } from '@/api/client'
import { rowText } from './labels'
import { headlineQuery, listMetrics, listQuery, type Scope } from './query'
import type { LabelKind, Report } from './reports'
import type { Sort, View } from './view'

/// Lists whose rows are searched here, by the names that are shown: the server knows only their codes.
const kNamed: LabelKind[] = ['country', 'language', 'goal']
const kPage = 100
const kNamedRows = 300
/// As many rows as the server gives at once.
const kAllRows = 10_000

/// How the rows of a list are asked for. A search goes to the server as one more filter, which makes the matching
/// visits its world: a share of all visitors would become one of those. Such numbers are left out of the query.
export interface DetailsPlan {
  /// The columns that are shown.
  metrics: string[]
  /// The metrics that the server is asked for.
  asked: string[]
  /// Whether the share has to be reckoned here, from the total of the period and filters.
  reckonsShare: boolean
  /// Whether the rows are searched here.
  searchedHere: boolean
  page: number
  sort: Sort
}

export function detailsPlan(report: Report, view: View): DetailsPlan {
  const metrics = report.kind === 'goal' ? report.details : listMetrics(view, report.details)
  const search = view.search?.trim() ?? ''
  const named = kNamed.includes(report.kind)
  const searchedHere = named || (search !== '' && metrics.includes('exit_rate'))
  const reckonsShare = search !== '' && !searchedHere && metrics.includes('percentage')
  const sort: Sort = view.sort && metrics.includes(view.sort[0]) ? view.sort : [metrics[0]!, 'desc']
  return { metrics, asked: reckonsShare ? metrics.filter(name => name !== 'percentage') : metrics, reckonsShare, searchedHere, page: named ? kNamedRows : searchedHere ? kAllRows : kPage, sort }
}

export function detailsQuery(scope: Scope, report: Report, plan: DetailsPlan, offset: number, limit = plan.page): StatsQuery {
  const [by, direction] = plan.sort
  return listQuery(scope, {
    dimensions: report.dimensions, metrics: plan.asked, limit, offset, search: plan.searchedHere ? '' : scope.view.search?.trim(),
    orderBy: [plan.asked.includes(by) ? by : 'visitors', direction],
  })
}

/// All of whom a row is a share: the visitors of the headline.
export function totalQuery({ view, ...rest }: Scope): StatsQuery {
  return headlineQuery({ ...rest, view: { ...view, comparison: { mode: 'off', matchWeekday: false } } }, ['visitors'])
}

/// The rows as they are shown: those that contain the search, with their share, unknown numbers last.
export function detailsRows(rows: StatsRow[], report: Report, plan: DetailsPlan, view: View, total: number | null | undefined): StatsRow[] {
  const wanted = view.search?.trim().toLowerCase() ?? ''
  const found = rows.filter(row => row.metrics.length === plan.asked.length && (!plan.searchedHere || rowText(report.kind, row.dimensions[0] ?? '').toLowerCase().includes(wanted)))
  const filled = plan.reckonsShare ? found.map(row => ({ ...row, metrics: plan.metrics.map(name => name === 'percentage' ? share(row.metrics[0], total) : row.metrics[plan.asked.indexOf(name)] ?? null) })) : found
  const column = plan.metrics.indexOf(plan.sort[0])
  return [...filled.filter(row => row.metrics[column] !== null), ...filled.filter(row => row.metrics[column] === null)]
}

function share(visitors: number | null | undefined, total: number | null | undefined): number | null {
  return total && visitors !== null && visitors !== undefined ? visitors / total * 100 : null
}
