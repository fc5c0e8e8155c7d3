import type { Colours } from '@/composables/useColours'
import type { SeriesBucket } from '@/composables/useSeries'
import type { Mark } from '@/composables/annotations'
import { axisLabel, bucketLabel, formatFull, formatShort, percentChange, type Unit } from '@/domain/format'
import { kArrows, trend } from '@/domain/metrics'
import type { Interval } from '@/domain/period'
import type { Bucket } from '@/domain/query'
import type { EChartsCoreOption } from './echarts'

export interface ChartInput {
  series: SeriesBucket[]
  compared?: Bucket[]
  interval: Interval
  unit: Unit
  metric: string
  marks: Mark[]
  /// What another press would do; nothing when it would do nothing.
  hint: () => string | undefined
  bars: boolean
  colours: Colours
  still: boolean
  width: number
}

/// The chart as ECharts wants to be told.
export function chartOption(input: ChartInput): EChartsCoreOption {
  const { series, interval, unit, colours, bars } = input
  const small = input.width < 480
  const text = { color: colours['chart-text'], fontSize: 11, fontFamily: 'Inter Variable, system-ui, sans-serif' }
  return {
    animation: !input.still, animationDuration: 250, animationDurationUpdate: 200,
    grid: { left: 4, right: small ? 8 : 16, top: 14, bottom: 6, outerBoundsMode: 'same', outerBoundsContain: 'axisLabel' },
    xAxis: {
      type: 'category', data: series.map(bucket => bucket.label), boundaryGap: bars,
      axisLine: { lineStyle: { color: colours['chart-grid'] } }, axisTick: { show: false },
      axisLabel: { ...text, hideOverlap: true, margin: 10, alignMinLabel: bars ? undefined : 'left', alignMaxLabel: bars ? undefined : 'right', formatter: (label: string) => axisLabel(label, interval) },
    },
    yAxis: {
      type: 'value', min: 0, minInterval: unit === 'count' ? 1 : undefined, splitNumber: 4,
      splitLine: { lineStyle: { color: colours['chart-grid'] } }, axisLabel: { ...text, formatter: (value: number) => formatShort(value, unit) },
    },
    tooltip: {
      trigger: 'axis', confine: true, backgroundColor: 'transparent', borderWidth: 0, padding: 0, extraCssText: 'box-shadow:none', transitionDuration: input.still ? 0 : 0.12,
      axisPointer: { type: bars ? 'shadow' : 'line', lineStyle: { color: colours['chart-compare'], type: 'solid', width: 1 }, shadowStyle: { color: colours['chart-fill'], opacity: 0.3 } },
      formatter: (points: { dataIndex: number }[]) => tooltip(input, points[0]?.dataIndex ?? 0),
    },
    series: bars ? [barSeries(input)] : lines(input),
  }
}

function barSeries({ series, colours }: ChartInput) {
  return {
    id: 'bars', type: 'bar', barCategoryGap: '18%', barMinHeight: 1, emphasis: { disabled: true },
    itemStyle: { color: colours['chart-line'], borderRadius: [2, 2, 0, 0] },
    data: series.map(bucket => ({ value: bucket.value, itemStyle: bucket.unfinished ? { opacity: 0.45 } : undefined })),
  }
}

/// A solid line up to the last finished bucket, a dashed one into the unfinished, and the compared one behind.
/// Always these three, so that one drawing merges into the next.
function lines({ series, compared, colours }: ChartInput) {
  const unfinished = series.findIndex(bucket => bucket.unfinished)
  const solid = series.map((bucket, i) => unfinished >= 0 && i >= unfinished ? null : bucket.value)
  const dashed = series.map((bucket, i) => unfinished >= 0 && (i === unfinished || i === unfinished - 1) ? bucket.value : null)
  const lonely = solid.filter(value => value !== null).length < 2
  const common = { type: 'line', smooth: 0.18, smoothMonotone: 'x', symbol: 'circle', symbolSize: 7, showSymbol: false, connectNulls: true, emphasis: { scale: false }, itemStyle: { color: colours['chart-line'], borderColor: colours['ui-bg'], borderWidth: 1.5 } }
  const fade = { type: 'linear', x: 0, y: 0, x2: 0, y2: 1, colorStops: [{ offset: 0, color: colours['chart-fill'] }, { offset: 1, color: 'rgba(127,127,127,0)' }] }
  return [
    { ...common, id: 'compared', z: 1, itemStyle: { color: colours['chart-compare'] }, lineStyle: { color: colours['chart-compare'], width: 1.5 }, data: compared ? series.map((_, i) => compared[i]?.value ?? null) : [] },
    { ...common, id: 'finished', z: 3, showSymbol: lonely, lineStyle: { color: colours['chart-line'], width: 2.25 }, areaStyle: { color: fade }, data: solid },
    { ...common, id: 'unfinished', z: 3, showSymbol: unfinished === 0, lineStyle: { color: colours['chart-line'], width: 2.25, type: [5, 4] }, areaStyle: { color: fade, opacity: 0.6 }, data: unfinished >= 0 ? dashed : [] },
  ]
}

/// A bucket's values in words, for those who hear the chart.
export function bucketText({ series, compared, interval, unit, marks }: Pick<ChartInput, 'series' | 'compared' | 'interval' | 'unit' | 'marks'>, index: number): string {
  const bucket = series[index]
  if (!bucket) return ''
  const other = compared?.[index]
  return [
    `${bucketLabel(bucket.label, interval)}${bucket.unfinished ? ' (so far)' : ''}: ${formatFull(bucket.value, unit)}`,
    ...other ? [`compared with ${bucketLabel(other.label, interval)}: ${formatFull(other.value, unit)}`] : [],
    ...textsAt(marks, index),
  ].join('; ')
}

const textsAt = (marks: Mark[], index: number) => marks.find(mark => mark.index === index)?.texts ?? []

function tooltip({ series, compared, interval, unit, metric, marks, hint }: ChartInput, index: number): HTMLElement {
  const bucket = series[index]
  const box = element('div', 'font-sans figures min-w-44 rounded-lg border border-(--card-line) bg-default px-3 py-2 text-xs shadow-lg')
  if (!bucket) return box
  const other = compared?.[index]
  box.append(row('bg-(--chart-line)', bucketLabel(bucket.label, interval) + (bucket.unfinished ? ' (so far)' : ''), formatFull(bucket.value, unit)))
  if (other) {
    box.append(row('bg-(--chart-compare)', bucketLabel(other.label, interval), formatFull(other.value, unit)))
    const change = trend(metric, percentChange(bucket.value, other.value), bucket.value, other.value)
    if (change) box.append(element('div', `${kRule} text-right text-muted`, change.text === 'new' ? 'new' : `${kArrows[change.direction]} ${change.text}`))
  }
  for (const text of textsAt(marks, index)) box.append(element('div', `${kRule} max-w-64 whitespace-normal text-default`, `⚑ ${text}`))
  const next = hint()
  if (next) box.append(element('div', `${kRule} text-muted`, next))
  return box
}

const kRule = 'mt-1 border-t border-(--card-line) pt-1'

function row(colour: string, label: string, value: string): HTMLElement {
  const line = element('div', 'flex items-center gap-2 py-0.5')
  line.append(element('span', `size-2 rounded-full ${colour}`), element('span', 'text-muted', label), element('b', 'ml-auto pl-4 font-semibold text-highlighted', value))
  return line
}

function element(tag: string, classes: string, text = ''): HTMLElement {
  const made = document.createElement(tag)
  made.className = classes
  made.textContent = text
  return made
}
