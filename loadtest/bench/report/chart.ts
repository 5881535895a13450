import { BarChart, LineChart } from 'echarts/charts'
import { GridComponent, LegendComponent, TitleComponent } from 'echarts/components'
import { type EChartsCoreOption, init, use } from 'echarts/core'
import { SVGRenderer } from 'echarts/renderers'

use([BarChart, LineChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer])

export interface Chart {
  height: number
  option: EChartsCoreOption
}

/** Without a browser no text can be measured: the room for labels is given. */
export const BESIDE_NAMES = { left: 300, right: 80, top: 50, bottom: 10 } as const
export const UNDER_LEGEND = { left: 70, right: 70, top: 90, bottom: 35 } as const
export const LEGEND_GAP = 36
const WIDTH = 900
const FONT = 'system-ui, sans-serif'
export const TEXT = { fontFamily: FONT, fontSize: 13, color: '#333' }
export const TITLE = {
  left: 10,
  top: 8,
  textStyle: { fontFamily: FONT, fontSize: 15, fontWeight: 600, color: '#222' },
} as const

/** Told apart also by who cannot see red and green (Okabe and Ito's palette). */
export const COLOURS = {
  ours: '#0072B2',
  rival: '#D55E00',
  yardstick: '#999999',
  orders: '#009E73',
  waiting: '#E8D9A8',
} as const
/** Of the processes, the same in every picture. */
export const PROCESS_COLOURS: Record<string, string> = {
  web: '#0072B2',
  'order-service': '#009E73',
  'cancel-worker': '#F0E442',
  redis: '#D55E00',
  rabbitmq: '#E69F00',
  postgres: '#56B4E9',
  generator: '#999999',
}

/** Drawn without a browser, and the same for the same figures. White, because READMEs are read in the dark, too. */
export function svg({ option, height }: Chart): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height })
  chart.setOption({ animation: false, backgroundColor: '#ffffff', textStyle: { fontFamily: FONT }, ...option })
  const drawn = chart.renderToSVGString()
  chart.dispose()
  return drawn
}

/** Several in one picture, one below the other. */
export function stacked(charts: Chart[]): string {
  const height = charts.reduce((sum, chart) => sum + chart.height, 0)
  let y = 0
  const parts = charts.map((chart) => {
    const part = svg(chart).replace('<svg ', `<svg y="${y}" `)
    y += chart.height
    return part
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}">\n${parts.join('\n')}\n</svg>\n`
}
