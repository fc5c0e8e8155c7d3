import { BarChart, LineChart } from 'echarts/charts'
import { GridComponent, TooltipComponent } from 'echarts/components'
import * as echarts from 'echarts/core'
import { SVGRenderer } from 'echarts/renderers'

/// Only the parts of ECharts that are drawn with.
echarts.use([LineChart, BarChart, GridComponent, TooltipComponent, SVGRenderer])

export { echarts }
export type { ECharts, EChartsCoreOption } from 'echarts/core'
