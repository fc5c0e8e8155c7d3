// A stand-in for the server, so that the app can be looked at without it: made-up but steady numbers,
// a live stream, no durability. `npm run mock` serves dist/ and the API on MOCK_PORT (8090);
// MOCK_STATE=fresh begins before the first start.
import { createReadStream, existsSync } from 'node:fs'
import { createServer } from 'node:http'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'

const kPort = Number(process.env.MOCK_PORT ?? 8090)
const kDist = fileURLToPath(new URL('../dist/', import.meta.url))
const kTypes = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.woff2': 'font/woff2' }
const kCsp = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self'; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
const fresh = process.env.MOCK_STATE === 'fresh'

const collect = { referrer: true, campaign: true, place: 'city', agent: true, screen: true, language: true, engagement: true, properties: true, vitals: true }
const makeSite = (id, domain, timezone, hit) => ({
  id, domain, name: domain, key: `sk_${id}_4f1c9b`, hosts: [domain, `www.${domain}`], timezone, created_at: '2026-01-10T09:00:00Z', first_hit_at: hit ? '2026-01-10T09:04:00Z' : null, script_path: '/s.js',
  excluded: { networks: ['10.0.0.0/8'], paths: ['/admin/**'], hosts: [], countries: [] }, collect, honour_dnt: false, honour_gpc: true, hash_routing: false, retention_days: 730,
})
const state = {
  user: fresh ? null : { id: '1', name: 'Ada Keel', email: 'ada@example.com', role: 'owner' },
  setup: fresh, sites: fresh ? [] : [makeSite('1', 'harbour.example', 'Europe/Berlin', true), makeSite('2', 'docs.harbour.example', 'Europe/Berlin', true), makeSite('3', 'shop.example', 'America/New_York', false)],
  goals: [{ id: '1', kind: 'event', event_name: 'Signup', display_name: 'Signup' }, { id: '2', kind: 'page', page_pattern: '/pricing', display_name: 'Visit /pricing' }, { id: '3', kind: 'scroll', page_pattern: '/blog/**', scroll_depth: 75, display_name: 'Read 75% of a post' }],
  annotations: [{ id: '1', at: new Date(Date.now() - 9 * 864e5).toISOString(), text: 'Version 2 released' }],
  shares: [{ id: '1', name: 'For the board', token: 'board', has_password: true, created_at: '2026-03-01T10:00:00Z' }, { id: '2', name: 'Public', token: 'public', has_password: false, created_at: '2026-03-02T10:00:00Z' }],
  tokens: [{ id: '1', name: 'Grafana', prefix: 'ms_a1b2', created_at: '2026-05-01T10:00:00Z', last_used_at: new Date().toISOString(), expires_at: null }], next: 10, pins: [], hits: 4211, current: 17,
}

const kValues = {
  'visit:channel': ['Organic Search', 'Direct', 'Referral', 'Organic Social', 'AI Assistants', 'Email', 'Paid Search'], 'visit:source': ['Google', '', 'Hacker News', 'GitHub', 'Reddit', 'ChatGPT', 'DuckDuckGo', 'Bing', 'LinkedIn', 'newsletter', 'Perplexity', 'Mastodon'],
  'visit:referrer': ['google.com/', '', 'news.ycombinator.com/item', 'github.com/harbour/harbour', 'reddit.com/r/selfhosted', 'chatgpt.com/'], 'visit:utm_medium': ['email', 'cpc', 'social'], 'visit:utm_source': ['newsletter', 'google', 'mastodon'], 'visit:utm_campaign': ['launch-v2', 'spring'], 'visit:utm_content': ['hero', 'footer'], 'visit:utm_term': ['self hosted analytics'],
  'event:page': ['/', '/pricing', '/blog/one-binary-for-everything', '/docs/getting-started', '/blog/why-we-left-the-cloud-and-what-it-cost-us-in-the-first-year', '/docs/install', '/features', '/about', '/docs/api', '/changelog', '/contact', '/blog'],
  'visit:country': ['DE', 'US', 'FR', 'GB', 'NL', 'IN', 'BR', 'JP', 'PL', 'CA', 'ES', 'AU', 'SE', 'ZA', 'MX'], 'visit:region_name': ['Bavaria', 'California', 'Île-de-France', 'England'], 'visit:city_name': ['Munich', 'San Francisco', 'Paris', 'London', 'Berlin'],
  'visit:browser': ['Chrome', 'Safari', 'Firefox', 'Microsoft Edge', 'Samsung Internet', 'Opera', 'Brave'], 'visit:browser_version': ['141.0', '140.0', '139.0'], 'visit:os': ['Mac', 'Windows', 'Android', 'iOS', 'GNU/Linux', 'Ubuntu'], 'visit:os_version': ['15', '14'], 'visit:device': ['Desktop', 'Mobile', 'Tablet'], 'visit:screen': ['1440–1919', '1920+', '360–479', '768–1023'], 'visit:language': ['en', 'de', 'fr', 'pt', 'ja', ''],
  'event:goal': ['Visit /pricing', 'Signup', 'Read 75% of a post'], 'event:hostname': ['harbour.example'], 'event:name': ['pageview', 'Signup'],
}
kValues['visit:entry_page'] = kValues['visit:exit_page'] = kValues['event:page']

const noise = text => { let h = 2166136261; for (const c of text) h = Math.imul(h ^ c.charCodeAt(0), 16777619); return ((h >>> 0) % 1000) / 1000 }
const day = date => date.toISOString().slice(0, 10)
const addDays = (text, n) => day(new Date(Date.parse(`${text}T00:00:00Z`) + n * 864e5))
function range(query) {
  const now = day(new Date()), end = query.date ?? now
  if (Array.isArray(query.date_range)) return query.date_range.map(text => text.slice(0, 10))
  const spans = { 'realtime': 1, 'day': 1, '24h': 2, '7d': 7, '28d': 28, '30d': 30, '91d': 91, '6mo': 183, '12mo': 365, 'all': 315 }
  if (query.date_range === 'month') return [`${end.slice(0, 8)}01`, end.slice(0, 7) === now.slice(0, 7) ? now : addDays(`${end.slice(0, 8)}28`, 2)]
  if (query.date_range === 'year') return [`${end.slice(0, 5)}01-01`, end]
  return [addDays(end, 1 - (spans[query.date_range] ?? 28)), end]
}
function metricValue(name, weight, key) {
  const n = noise(name + key)
  const fixed = { bounce_rate: 38 + n * 30, visit_duration: 40 + n * 200, views_per_visit: 1.4 + n * 2, scroll_depth: 40 + n * 50, time_on_page: 20 + n * 150, percentage: 0, conversion_rate: n * 9, group_conversion_rate: n * 9, exit_rate: n * 60, total_revenue: n * 9000, average_revenue: 49, lcp_p75: 1900 + n * 900, inp_p75: 120 + n * 130, cls_p75: Math.round(n * 12) / 100, fcp_p75: 1100, ttfb_p75: 310 }
  if (name in fixed) return Math.round(fixed[name] * 100) / 100
  return Math.round(weight * ({ visits: 1.25, pageviews: 2.9, events: 3.2 }[name] ?? 1))
}
function answer(query) {
  const [from, to] = range(query)
  const days = Math.round((Date.parse(to) - Date.parse(from)) / 864e5) + 1
  const factor = (query.filters?.length ? 0.17 : 1) * (query.date_range === 'realtime' ? 0.02 : 1)
  const now = new Date(), meta = { as_of: now.toISOString(), sampled: false }
  const dimension = query.dimensions?.[0]
  const before = [addDays(from, -days), addDays(from, -1)]
  const comparison = query.include?.comparisons
  const compare = row => comparison ? { ...row, comparison: { dimensions: row.dimensions, metrics: row.metrics.map((value, i) => Math.round(value * (0.75 + noise(`${row.dimensions}${i}`) * 0.4) * 10) / 10), change: row.metrics.map((_, i) => Math.round(noise(`c${row.dimensions}${i}`) * 60 - 20)) } } : row
  const weigh = label => Math.max(3, (430 + 190 * Math.sin(Date.parse(label.slice(0, 10)) / 864e5 / 7 * 6.283) + noise(label) * 150) * factor)
  let results
  if (!dimension) results = [compare({ dimensions: [], metrics: query.metrics.map(name => metricValue(name, days * 470 * factor, `${from}${to}`)) })]
  else if (dimension.startsWith('time:')) {
    const step = { minute: 60e3, hour: 36e5, day: 864e5, week: 7 * 864e5, month: 30.44 * 864e5 }[dimension.slice(5)]
    const labels = []
    for (let at = Date.parse(from); at < Date.parse(to) + 864e5 && labels.length < 2000; at += step) labels.push(step < 864e5 ? new Date(at).toISOString().slice(0, 19).replace('T', ' ') : step > 8e8 ? `${day(new Date(at)).slice(0, 8)}01` : day(new Date(at)))
    const current = step < 864e5 ? now.toISOString().slice(0, 13).replace('T', ' ') + ':00:00' : day(now)
    meta.time_labels = [...new Set(labels)]
    meta.partial_time_label = meta.time_labels.includes(current) ? current : step > 8e8 && meta.time_labels.at(-1)?.slice(0, 7) === current.slice(0, 7) ? meta.time_labels.at(-1) : null
    results = meta.time_labels.filter(label => label <= current).map(label => ({ dimensions: [label], metrics: query.metrics.map(name => metricValue(name, weigh(label) * (step < 864e5 ? (0.3 + Math.max(0, Math.sin((Number(label.slice(11, 13)) - 6) / 24 * 6.283))) / 14 : step / 864e5) * (label === meta.partial_time_label ? 0.45 : 1), label)) }))
  }
  else {
    const search = (query.filters ?? []).find(filter => filter[0] === 'contains' && filter[1] === dimension)?.[2][0]?.toLowerCase() ?? ''
    const many = dimension === 'event:page' ? Array.from({ length: 240 }, (_, i) => `/docs/reference/page-${i + 1}`) : []
    const all = [...kValues[dimension] ?? ['basic', 'team', 'self-hosted'], ...many].filter(value => value.toLowerCase().includes(search))
    const offset = query.pagination?.offset ?? 0
    const total = all.reduce((sum, _, i) => sum + 1 / (i + 1.4), 0)
    results = all.map((value, i) => {
      const share = 1 / (i + 1.4) / total, weight = days * 470 * factor * share
      return compare({ dimensions: query.dimensions.length > 1 ? [value, ['DE', 'US', 'FR', 'GB', 'DE'][i] ?? ''] : [value], metrics: query.metrics.map(name => name === 'percentage' ? Math.round(share * 1000) / 10 : metricValue(name, weight, value)) })
    }).slice(offset, offset + (query.pagination?.limit ?? 10000))
    meta.total_rows = all.length
  }
  return { results, meta, query: { ...query, date_range: [from, to], ...(comparison ? { comparison_date_range: comparison.date_range ?? (comparison.mode === 'year_over_year' ? [addDays(from, -365), addDays(to, -365)] : before) } : {}) } }
}

function live(id) {
  const site = state.sites.find(other => other.id === id)
  const minute = Math.floor(Date.now() / 60e3)
  const minutes = Array.from({ length: 30 }, (_, i) => { const n = noise(`${id}${minute - 29 + i}`); return { minute: new Date((minute - 29 + i) * 60e3).toISOString(), visitors: Math.round(3 + n * 12), pageviews: Math.round(6 + n * 26) } })
  const some = dimension => kValues[dimension].slice(0, 5).map((value, i) => ({ value, visitors: 6 - i }))
  const scale = site?.first_hit_at ? 1 : 0
  return { site_id: id, at: new Date().toISOString(), current_visitors: scale * (state.current + Number(id)), minutes: minutes.map(entry => scale ? entry : { ...entry, visitors: 0, pageviews: 0 }), pages: some('event:page'), sources: some('visit:source'), countries: some('visit:country'), totals_today: { visitors: scale * (412 + Math.floor(state.hits / 20) % 90), visits: scale * 520, pageviews: scale * (1300 + state.hits % 1000), events: scale * 1400 }, hits_total: scale * state.hits, ledger: { accepted: state.hits, bots: 321, refused: 87 }, first_hit_at: site?.first_hit_at ?? null }
}
setInterval(() => { state.hits += 1 + Math.floor(Math.random() * 4); state.current = Math.max(4, state.current + Math.floor(Math.random() * 5) - 2) }, 1500).unref()

const ledger = { accepted: 48211, set_aside: 2, as_of: new Date().toISOString(), refused: [{ reason: 'foreign_origin', source: 'collector', count: 214 }, { reason: 'excluded_path', source: 'collector', count: 96 }, { reason: 'gpc', source: 'collector', count: 71 }, { reason: 'spam_referrer', source: 'collector', count: 33 }, { reason: 'duplicate', source: 'processor', count: 8 }, { reason: 'unparsable', source: 'import', count: 3 }], bots: [{ name: 'GPTBot', category: 'ai_crawler', reason: 'list', hits: 1840 }, { name: 'ClaudeBot', category: 'ai_crawler', reason: 'list', hits: 1211 }, { name: 'PerplexityBot', category: 'ai_crawler', reason: 'list', hits: 402 }, { name: 'Googlebot', category: 'search', reason: 'list', hits: 980 }, { name: 'bingbot', category: 'search', reason: 'list', hits: 455 }, { name: 'UptimeRobot', category: 'monitor', reason: 'list', hits: 720 }, { name: 'Headless Chrome', category: 'tool', reason: 'header', hits: 65 }] }
const botHits = Array.from({ length: 40 }, (_, i) => ({ at: new Date(Date.now() - i * 47e3).toISOString(), ...[['GPTBot', 'ai_crawler', 'list'], ['Googlebot', 'search', 'list'], ['curl', 'tool', 'list']].map(([name, category, reason]) => ({ name, category, reason }))[i % 3], hostname: 'harbour.example', path: kValues['event:page'][i % 12], country: ['US', 'DE', 'IE'][i % 3], status: 200 }))
const place = site => state.pins.includes(site.id) ? state.pins.indexOf(site.id) : state.pins.length
const list = items => ({ items, next_cursor: null })

const kRoutes = [
  ['POST', /^\/api\/v1\/beacon$/, (_, body) => { const site = state.sites.find(other => other.id === body.site); if (site) site.first_hit_at ??= new Date().toISOString(); state.hits++; return [204] }],
  ['GET', /^\/api\/v1\/session$/, () => [200, { user: state.user, setup_required: state.setup }]],
  ['POST', /^\/api\/v1\/(setup|session)$/, (_, body) => body.password === 'wrong' ? [401, { title: 'Wrong e-mail or password', code: 'identity.bad_credentials', status: 401 }] : (state.setup = false, state.user = { id: '1', name: body.name ?? 'Ada Keel', email: body.email, role: 'owner' }, [201, { user: state.user }])],
  ['DELETE', /^\/api\/v1\/session$/, () => (state.user = null, [204])],
  ['GET', /^\/api\/v1\/sites$/, () => [200, list([...state.sites].sort((a, b) => place(a) - place(b)).map(site => ({ ...site, current_visitors: 3, pinned: state.pins.includes(site.id) })))]],
  ['POST', /^\/api\/v1\/sites$/, (_, body) => {
    if (!body.domain.includes('.')) return [400, { title: 'Invalid', status: 400, code: 'invalid', errors: [{ field: '/domain', message: 'This is not a domain name.' }] }]
    const site = makeSite(String(state.next++), body.domain, body.timezone, false)
    state.sites.push(site)
    return [201, site]
  }],
  ['GET', /^\/api\/v1\/sites\/(\w+)$/, ([id]) => { const site = state.sites.find(other => other.id === id); return site ? [200, site] : [404, { title: 'There is no such site', status: 404 }] }],
  ['PATCH', /^\/api\/v1\/sites\/(\w+)$/, ([id], body) => [200, Object.assign(state.sites.find(other => other.id === id), body)]],
  ['DELETE', /^\/api\/v1\/sites\/(\w+)$/, ([id]) => (state.sites = state.sites.filter(other => other.id !== id), [204])],
  ['GET', /^\/api\/v1\/sites\/(\w+)\/snippet$/, ([id]) => [200, { html: `<script defer src="https://stats.example/s.js" data-site="${id}"></script>`, noscript: `<noscript><img src="https://stats.example/api/v1/beacon?site=${id}&name=pageview" alt=""></noscript>` }]],
  ['GET', /^\/api\/v1\/sites\/\w+\/ledger$/, () => [200, ledger]],
  ['GET', /^\/api\/v1\/ledger$/, () => [200, { as_of: new Date().toISOString(), refused: [{ reason: 'unknown_site', source: 'collector', asked_site: 'harbuor.example', asked_host: 'www.harbour.example', count: 412, last_at: new Date().toISOString() }, { reason: 'bad_event', source: 'collector', asked_site: '', asked_host: '', count: 9, last_at: new Date().toISOString() }] }]],
  ['GET', /^\/api\/v1\/sites\/\w+\/properties$/, () => [200, { ...list([{ name: 'plan', events: 812 }, { name: 'url', events: 400 }, { name: 'method', events: 31 }]), as_of: new Date().toISOString() }]],
  ['PUT', /^\/api\/v1\/pinned-sites$/, (_, body) => (state.pins = body.site_ids, [204])],
  ['GET', /^\/api\/v1\/sites\/\w+\/bots$/, () => [200, list(botHits)]],
  ['GET', /^\/api\/v1\/sites\/\w+\/(goals|annotations|shares)$/, ([kind]) => [200, list(state[kind])]],
  ['POST', /^\/api\/v1\/sites\/\w+\/(goals|annotations|shares)$/, ([kind], body) => { const made = { ...body, id: String(state.next++), display_name: body.display_name || body.event_name || body.page_pattern, token: `t${state.next}`, has_password: Boolean(body.password), created_at: new Date().toISOString() }; state[kind].push(made); return [201, made] }],
  ['DELETE', /^\/api\/v1\/sites\/\w+\/(goals|annotations|shares)\/(\w+)$/, ([kind, id]) => (state[kind] = state[kind].filter(other => other.id !== id), [204])],
  ['GET', /^\/api\/v1\/tokens$/, () => [200, list(state.tokens)]],
  ['POST', /^\/api\/v1\/tokens$/, (_, body) => { const made = { id: String(state.next++), name: body.name, prefix: 'ms_9f3e', created_at: new Date().toISOString(), last_used_at: null, expires_at: null }; state.tokens.push(made); return [201, { ...made, token: 'ms_9f3e7c1d0b6a58e4f2' }] }],
  ['DELETE', /^\/api\/v1\/tokens\/(\w+)$/, ([id]) => (state.tokens = state.tokens.filter(other => other.id !== id), [204])],
  ['GET', /^\/api\/v1\/shares\/(\w+)$/, ([token]) => [200, { site: state.sites[0], password_required: token === 'board' }]],
  ['POST', /^\/api\/v1\/shares\/\w+\/unlock$/, (_, body) => body.password === 'wrong' ? [401, { title: 'Wrong password', status: 401 }] : [200, { grant: 'g1' }]],
  ['POST', /^\/api\/v1\/analytics\/classify$/, (_, body) => [200, { bot: /bot/i.test(body.user_agent) ? { is_bot: true, name: 'GPTBot', category: 'ai_crawler', reason: 'list' } : { is_bot: false, name: '', category: '', reason: '' }, browser: { name: 'Firefox', version: '143.0' }, os: { name: 'GNU/Linux', version: '' }, device: 'Desktop', referrer: { host: 'news.ycombinator.com', source: 'Hacker News', channel: 'Referral', why: 'The host is on the list of known sources.' }, utm: { utm_source: 'newsletter' }, click_id: '' }]],
  ['POST', /^\/api\/v2\/query$/, (_, body) => [200, answer(body)]],
]

function events(request, response, url) {
  const ids = (url.searchParams.get('subjects') ?? '').split(',').map(subject => subject.split('.').at(-1))
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
  const send = () => { for (const id of ids) response.write(`event: events.analytics.live.${id}\nid: ${state.hits}\ndata: ${JSON.stringify(live(id))}\n\n`) }
  send()
  const timer = setInterval(send, 1500)
  request.on('close', () => clearInterval(timer))
}

createServer(async (request, response) => {
  const url = new URL(request.url, 'http://localhost')
  if (url.pathname === '/api/v1/events') return events(request, response, url)
  if (!url.pathname.startsWith('/api/')) {
    const wanted = join(kDist, normalize(url.pathname))
    const file = wanted.startsWith(kDist) && extname(wanted) && existsSync(wanted) ? wanted : join(kDist, 'index.html')
    response.writeHead(200, { 'Content-Type': kTypes[extname(file)] ?? 'application/octet-stream', 'Content-Security-Policy': kCsp })
    return createReadStream(file).pipe(response)
  }
  let text = ''
  for await (const chunk of request) text += chunk
  for (const [method, pattern, handle] of kRoutes) {
    const match = request.method === method && url.pathname.match(pattern)
    if (!match) continue
    const [status, body] = handle(match.slice(1), text ? JSON.parse(text) : {})
    response.writeHead(status, body ? { 'Content-Type': status < 400 ? 'application/json' : 'application/problem+json' } : {})
    return response.end(body && JSON.stringify(body))
  }
  response.writeHead(404, { 'Content-Type': 'application/problem+json' }).end(JSON.stringify({ title: 'There is no such route', status: 404 }))
}).listen(kPort, '127.0.0.1', () => console.log(`http://127.0.0.1:${kPort}`))
