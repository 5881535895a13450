import { BarChart, LineChart } from 'echarts/charts'
import { GridComponent, LegendComponent, TitleComponent } from 'echarts/components'
import { init, use } from 'echarts/core'
import { SVGRenderer } from 'echarts/renderers'

use([BarChart, LineChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer])

/** Okabe and Ito's palette, which the colour-blind can tell apart, too. */
export const COLOURS = {
  ours: '#0072B2',
  rival: '#D55E00',
  yardstick: '#999999',
  orders: '#009E73',
  waiting: '#E8D9A8',
}

/** An SVG of an echarts option with bars or lines, drawn without a browser, and the same for the same option. */
export function drawSvg(option: object, size: { width: number; height: number }): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, ...size })
  chart.setOption({
    animation: false,
    // READMEs are read in the dark, too.
    backgroundColor: '#ffffff',
    textStyle: { fontFamily: 'system-ui, sans-serif' },
    ...option,
  })
  const drawn = chart.renderToSVGString()
  chart.dispose()
  return `${drawn}\n`
}
