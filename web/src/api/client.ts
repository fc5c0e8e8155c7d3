import createClient, { type Middleware } from 'openapi-fetch'
import { isFramed } from '@/domain/embed'
import { fieldMessage, withoutPointer, type FieldError } from './problem'
import type { components, paths } from './schema'

type Answer<Path extends keyof paths, Method extends 'get' | 'post', Status extends number> =
  paths[Path] extends Record<Method, { responses: Record<Status, { content: { 'application/json': infer Body } }> }> ? Body : never
type Body<Path extends keyof paths, Method extends 'post' | 'patch'> =
  paths[Path] extends Record<Method, { requestBody: { content: { 'application/json': infer Sent } } }> ? Sent : never
type Item<List> = List extends { items: (infer Entry)[] } ? Entry : never

/// The API's nouns, named once. They come from the server's own document (openapi.json).
export type Problem = components['schemas']['Problem']
export type Session = Answer<'/api/v1/session', 'get', 200>
export type Site = Answer<'/api/v1/sites/{site_id}', 'get', 200>
export type ListedSite = Item<Answer<'/api/v1/sites', 'get', 200>>
export type SiteChange = Body<'/api/v1/sites/{site_id}', 'patch'>
export type Goal = Item<Answer<'/api/v1/sites/{site_id}/goals', 'get', 200>>
export type Annotation = Item<Answer<'/api/v1/sites/{site_id}/annotations', 'get', 200>>
export type Share = Item<Answer<'/api/v1/sites/{site_id}/shares', 'get', 200>>
export type Token = Item<Answer<'/api/v1/tokens', 'get', 200>>
export type Verdict = Answer<'/api/v1/analytics/classify', 'post', 200>
type WireQuery = Body<'/api/v2/query', 'post'>
/// A question to the query API. Metrics are names of `kMetrics`; the server refuses what it does not know.
export type StatsQuery = Omit<WireQuery, 'metrics'> & { metrics: string[] }
type WireAnswer = Answer<'/api/v2/query', 'post', 200>
export type StatsAnswer = Omit<WireAnswer, 'query'> & { query: { date_range: string[], comparison_date_range?: string[] } }
export type StatsRow = StatsAnswer['results'][number]
export type Ledger = Answer<'/api/v1/sites/{site_id}/ledger', 'get', 200>
export type StrayLedger = Answer<'/api/v1/ledger', 'get', 200>
export type StrayRefusal = StrayLedger['refused'][number]
export type PropertyName = Item<Answer<'/api/v1/sites/{site_id}/properties', 'get', 200>>
/// The data of a live event, and of nothing else: who is on a site now.
export type LiveReport = paths['/api/v1/events']['get']['responses'][200]['content']['text/event-stream']

/// What the server refused, as RFC 9457 says it; `status` 0 means that it could not be reached.
export class ApiError extends Error {
  readonly status: number
  readonly code: string
  readonly requestId: string
  readonly fields: FieldError[]
  /// In how many seconds the server may be asked again; 0 where it does not say.
  readonly retryAfter: number

  constructor(problem: Partial<Problem> & { status: number, retryAfter?: number }) {
    super(withoutPointer(problem.detail ?? '', problem.errors ?? []) || problem.title || `The server answered ${problem.status}.`)
    this.name = 'ApiError'
    this.status = problem.status
    this.code = problem.code ?? ''
    this.requestId = problem.request_id ?? ''
    this.fields = problem.errors ?? []
    this.retryAfter = problem.retryAfter ?? 0
  }

  /// What is said against one input field, written as `email` or `/email`. Of a list, wrong entries are named as they were `sent`.
  forField(name: string, sent?: unknown): string | undefined {
    return fieldMessage(this.fields, name, sent)
  }
}

/// The grant of a shared dashboard; while it is set, every request carries it.
let shareGrant = ''
export function setShareGrant(grant: string) { shareGrant = grant }
export function currentShareGrant() { return shareGrant }

const headers: Middleware = {
  onRequest({ request }) {
    request.headers.set('X-Mainstay-Request', '1')
    if (shareGrant) request.headers.set('X-Mainstay-Share', shareGrant)
    return request
  },
  async onResponse({ response }) {
    if (response.ok) return
    let problem: Partial<Problem> = {}
    try { problem = await response.clone().json() } catch { /* a proxy's error page has no problem document */ }
    throw new ApiError({ ...problem, status: response.status, retryAfter: Number(response.headers.get('Retry-After')) || 0 })
  },
  onError({ error }) {
    if (error instanceof DOMException && error.name === 'AbortError') return error
    return new ApiError({ status: 0, title: 'The server cannot be reached.' })
  },
}

export const api = createClient<paths>({ credentials: isFramed() ? 'omit' : 'same-origin' })
api.use(headers)

/// The body of a successful answer; refusals have been thrown as `ApiError` before.
export async function unwrap<T>(call: Promise<{ data?: T }>): Promise<T> {
  const { data } = await call
  return data as T
}

/// Asks the query API.
export async function askStats(query: StatsQuery, signal?: AbortSignal): Promise<StatsAnswer> {
  return await unwrap(api.POST('/api/v2/query', { body: query as WireQuery, signal })) as StatsAnswer
}

/// The address of a CSV export of exactly `query`, for a download link.
export function exportHref(siteId: string, query: StatsQuery): string {
  const parameters = new URLSearchParams({ format: 'csv', query: JSON.stringify(query) })
  if (shareGrant) parameters.set('share', shareGrant)
  return `/api/v1/sites/${encodeURIComponent(siteId)}/export?${parameters}`
}

/// The address of the raw events of a site.
export function eventsHref(siteId: string, format: 'csv' | 'parquet'): string {
  return `/api/v1/sites/${encodeURIComponent(siteId)}/export?format=${format}&rows=events`
}
