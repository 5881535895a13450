import { COLOURS, drawSvg } from '../../dev/draw-svg.ts'
import type { Panel } from './chart.ts'
import type { Language } from './words.ts'

const WIDTH = 900
const BAR_HEIGHT = 28
const LINES_HEIGHT = 230
const HEAD_HEIGHT = 45
const PALETTE = [COLOURS.ours, COLOURS.rival, COLOURS.orders, COLOURS.yardstick, COLOURS.waiting]

/** The panels below one another, as an SVG. */
export function drawChart(panels: Panel[], language: Language): string {
  const heights = panels.map((panel) => ('bars' in panel ? panel.bars.length * BAR_HEIGHT + 20 : LINES_HEIGHT))
  const tops = heights.map((_, i) => heights.slice(0, i).reduce((sum, height) => sum + height + HEAD_HEIGHT, 0))
  const drawn = panels.map((panel, i) => drawPanel(panel, { gridIndex: i, top: tops[i] ?? 0, language }))
  const option = {
    title: panels.map(({ title }, i) => ({ text: title[language], left: 10, top: (tops[i] ?? 0) + 10 })),
    legend: drawn.flatMap(({ legend }) => legend ?? []),
    grid: drawn.map(({ grid }, i) => ({ ...grid, top: (tops[i] ?? 0) + HEAD_HEIGHT, height: (heights[i] ?? 0) - 20 })),
    xAxis: drawn.map(({ xAxis }) => xAxis),
    yAxis: drawn.map(({ yAxis }) => yAxis),
    series: drawn.flatMap(({ series }) => series),
  }
  const height = heights.reduce((sum, each) => sum + each + HEAD_HEIGHT, 20)
  return drawSvg(option, { width: WIDTH, height })
}

interface Position {
  gridIndex: number
  top: number
  language: Language
}

interface Drawn {
  legend?: object
  grid: object
  xAxis: object
  yAxis: object
  series: object[]
}

function drawPanel(panel: Panel, { gridIndex, top, language }: Position): Drawn {
  const of = { xAxisIndex: gridIndex, yAxisIndex: gridIndex }
  if ('bars' in panel) {
    const data = panel.bars.map(({ name, value, isBad }) => ({
      name: name[language],
      value,
      itemStyle: { color: isBad ? COLOURS.rival : COLOURS.ours },
    }))
    return {
      // Without a browser no text can be measured: the room for labels is given.
      grid: { left: 300, right: 90 },
      xAxis: { type: 'value', gridIndex, axisLabel: { show: false }, splitLine: { show: false } },
      yAxis: { type: 'category', gridIndex, inverse: true, data: data.map(({ name }) => name) },
      series: [{ ...of, type: 'bar', barMaxWidth: 20, data, label: { show: true, position: 'right' } }],
    }
  }
  const names = panel.lines.map(({ name }) => name[language])
  return {
    legend: { top: top + 12, right: 90, data: names },
    grid: { left: 70, right: 90 },
    xAxis: { type: 'value', gridIndex, name: panel.x[language], splitLine: { show: false } },
    yAxis: { type: 'value', gridIndex, name: panel.y[language] },
    series: panel.lines.map(({ points }, i) => {
      const color = PALETTE[i % PALETTE.length]
      return { ...of, name: names[i], type: 'line', showSymbol: false, data: points, color, lineStyle: { color } }
    }),
  }
}
