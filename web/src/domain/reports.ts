import { filtersOn, singleValue, type Filter } from './filters'

/// How a row's label is drawn.
export type LabelKind = 'text' | 'source' | 'page' | 'country' | 'place' | 'browser' | 'os' | 'device' | 'language' | 'goal'

/// One list of the dashboard: a breakdown of the visits by one thing.
export interface Report {
  key: string
  label: string
  /// The column over the labels.
  column: string
  dimensions: string[]
  kind: LabelKind
  metrics: string[]
  /// The metrics of its details, the first of them first.
  details: string[]
  map?: true
  /// Rows without a value are told in the details only: most events have no such property.
  hidesUnset?: true
  /// Said when no row has a value.
  hint?: string
}

const kVisit = ['visitors', 'percentage', 'visits', 'bounce_rate', 'visit_duration']
const kCard = ['visitors', 'percentage']

function visit(key: string, label: string, column: string, dimension: string, kind: LabelKind = 'text', more: Partial<Report> = {}): Report {
  return { key, label, column, dimensions: [dimension], kind, metrics: kCard, details: kVisit, ...more }
}

export const kCampaigns: Report[] = [
  visit('utm_medium', 'UTM mediums', 'Medium', 'visit:utm_medium'),
  visit('utm_source', 'UTM sources', 'Source', 'visit:utm_source', 'source'),
  visit('utm_campaign', 'UTM campaigns', 'Campaign', 'visit:utm_campaign'),
  visit('utm_content', 'UTM contents', 'Content', 'visit:utm_content'),
  visit('utm_term', 'UTM terms', 'Term', 'visit:utm_term'),
]

export interface Card { key: string, title: string, tabs: Report[], menu?: { label: string, reports: Report[] } }

export const kSources: Card = {
  key: 'sources', title: 'Sources',
  tabs: [
    visit('channels', 'Channels', 'Channel', 'visit:channel'),
    visit('sources', 'Sources', 'Source', 'visit:source', 'source'),
    visit('referrers', 'Referrers', 'Referrer', 'visit:referrer', 'source'),
  ],
  menu: { label: 'Campaigns', reports: kCampaigns },
}

export const kPages: Card = {
  key: 'pages', title: 'Pages',
  tabs: [
    visit('top', 'Top pages', 'Page', 'event:page', 'page', {
      details: ['visitors', 'percentage', 'pageviews', 'bounce_rate', 'time_on_page', 'scroll_depth'],
    }),
    visit('entry', 'Entry pages', 'Entry page', 'visit:entry_page', 'page', { details: ['visitors', 'percentage', 'visits', 'bounce_rate', 'visit_duration'] }),
    visit('exit', 'Exit pages', 'Exit page', 'visit:exit_page', 'page', { details: ['visitors', 'percentage', 'visits', 'exit_rate'] }),
  ],
}

const kNeedsFile = { hidesUnset: true, hint: 'Countries come built in. Regions and cities need a MaxMind file: the setting analytics.geo_database.' } as const

export const kPlaces: Card = {
  key: 'places', title: 'Locations',
  tabs: [
    visit('map', 'Map', 'Country', 'visit:country', 'country', { map: true, metrics: kCard }),
    visit('countries', 'Countries', 'Country', 'visit:country', 'country'),
    visit('regions', 'Regions', 'Region', 'visit:region_name', 'place', { dimensions: ['visit:region_name', 'visit:country'], ...kNeedsFile }),
    visit('cities', 'Cities', 'City', 'visit:city_name', 'place', { dimensions: ['visit:city_name', 'visit:country'], ...kNeedsFile }),
  ],
}

const kBrowser = visit('browsers', 'Browsers', 'Browser', 'visit:browser', 'browser')
const kOs = visit('os', 'Systems', 'Operating system', 'visit:os', 'os')

export const kDevices: Card = {
  key: 'devices', title: 'Devices',
  tabs: [
    kBrowser,
    kOs,
    visit('size', 'Size', 'Device', 'visit:device', 'device'),
    visit('screen', 'Screen', 'Screen', 'visit:screen'),
    visit('language', 'Language', 'Language', 'visit:language', 'language'),
  ],
}

export const kCards = [kSources, kPages, kPlaces, kDevices]

export const kGoals: Report = {
  key: 'goals', label: 'Goals', column: 'Goal', dimensions: ['event:goal'], kind: 'goal',
  metrics: ['visitors', 'events', 'conversion_rate'], details: ['visitors', 'events', 'conversion_rate', 'total_revenue', 'average_revenue'],
}

export function propertyReport(name: string): Report {
  return {
    key: `property:${name}`, label: name, column: name, dimensions: [`event:props:${name}`], kind: 'text', hidesUnset: true,
    metrics: ['visitors', 'events', 'percentage'], details: ['visitors', 'events', 'percentage'],
  }
}

/// Once a browser or system is filtered for, its card shows the versions of it.
export function drilled(report: Report, filters: Filter[]): Report {
  if (report.key === 'browsers' && singleValue(filters, 'visit:browser') && !filtersOn(filters, 'visit:browser_version').length) {
    return { ...report, key: 'browser_versions', column: `${singleValue(filters, 'visit:browser')} version`, dimensions: ['visit:browser_version'] }
  }
  if (report.key === 'os' && singleValue(filters, 'visit:os') && !filtersOn(filters, 'visit:os_version').length) {
    return { ...report, key: 'os_versions', column: `${singleValue(filters, 'visit:os')} version`, dimensions: ['visit:os_version'], kind: 'text' }
  }
  return report
}

export function reportByKey(key: string, filters: Filter[]): Report | undefined {
  if (key === 'goals') return kGoals
  if (key.startsWith('property:')) return propertyReport(key.slice('property:'.length))
  const all = [...kCards.flatMap(card => card.tabs), ...kCampaigns]
  return all.find(report => report.key === key) ?? all.map(report => drilled(report, filters)).find(report => report.key === key)
}

export interface FilterChoice { dimension: string, label: string, noun: string }

/// What the filter editor offers, in groups.
export const kFilterGroups: { label: string, choices: FilterChoice[] }[] = [
  { label: 'Page', choices: [
    { dimension: 'event:page', label: 'Page', noun: 'page' },
    { dimension: 'visit:entry_page', label: 'Entry page', noun: 'page' },
    { dimension: 'visit:exit_page', label: 'Exit page', noun: 'page' },
    { dimension: 'event:hostname', label: 'Host name', noun: 'host name' },
  ] },
  { label: 'Source', choices: [
    { dimension: 'visit:channel', label: 'Channel', noun: 'channel' },
    { dimension: 'visit:source', label: 'Source', noun: 'source' },
    { dimension: 'visit:referrer', label: 'Referrer', noun: 'referrer' },
    ...kCampaigns.map(report => ({ dimension: report.dimensions[0]!, label: report.label.replace(/s$/, ''), noun: report.column.toLowerCase() })),
  ] },
  { label: 'Location', choices: [
    { dimension: 'visit:country', label: 'Country', noun: 'country' },
    { dimension: 'visit:region_name', label: 'Region', noun: 'region' },
    { dimension: 'visit:city_name', label: 'City', noun: 'city' },
  ] },
  { label: 'Device', choices: [
    { dimension: 'visit:device', label: 'Device', noun: 'device' },
    { dimension: 'visit:screen', label: 'Screen', noun: 'screen' },
    { dimension: 'visit:browser', label: 'Browser', noun: 'browser' },
    { dimension: 'visit:browser_version', label: 'Browser version', noun: 'version' },
    { dimension: 'visit:os', label: 'System', noun: 'system' },
    { dimension: 'visit:os_version', label: 'System version', noun: 'version' },
    { dimension: 'visit:language', label: 'Language', noun: 'language' },
  ] },
  { label: 'Behaviour', choices: [
    { dimension: 'event:goal', label: 'Goal', noun: 'goal' },
    { dimension: 'event:name', label: 'Event', noun: 'event' },
  ] },
]

export function dimensionLabel(dimension: string): string {
  if (dimension.startsWith('event:props:')) return `Property ${dimension.slice('event:props:'.length)}`
  return kFilterGroups.flatMap(group => group.choices).find(choice => choice.dimension === dimension)?.label ?? dimension
}
