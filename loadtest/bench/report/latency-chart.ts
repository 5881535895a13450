import type { BenchRun, MeasureId } from '../results.ts'
import { type Chart, COLOURS, LEGEND_GAP, TEXT, TITLE, UNDER_LEGEND } from './chart.ts'

const LINES: [id: MeasureId, label: string, colour: string][] = [
  ['latency40', 'Seckill at 40 %', COLOURS.ours],
  ['latency70', 'Seckill at 70 % of its ceiling', COLOURS.orders],
  ['naiveStatement', 'one SQL statement', COLOURS.yardstick],
  ['naiveForUpdate', 'Prisma, FOR UPDATE', COLOURS.rival],
]
const LEAST_MS = 0.1

/** Who waits how long: the slowest tenth, hundredth and thousandth get as much room as everybody else. */
export function latencyChart({ rounds }: BenchRun): Chart {
  const measures = rounds.at(-1)?.measures ?? {}
  const series = LINES.flatMap(([id, name, colour]) => {
    const curve = measures[id]?.load.latencyMs.curve
    // "One in so many is slower": 2 is the median, 1,000 the 99.9th percentile.
    return curve
      ? [
          {
            name,
            type: 'line',
            showSymbol: false,
            lineStyle: { width: 2.5, color: colour },
            itemStyle: { color: colour },
            data: curve
              .filter(([percentile]) => percentile < 100)
              .map(([percentile, ms]) => [1 / (1 - percentile / 100), Math.max(LEAST_MS, ms)]),
          },
        ]
      : []
  })
  return {
    height: 380,
    option: {
      title: { text: 'Latency of buying, by percentile (last round)', ...TITLE },
      legend: { top: 36, left: 10, itemGap: LEGEND_GAP, textStyle: TEXT },
      grid: UNDER_LEGEND,
      xAxis: {
        type: 'log',
        min: 1,
        max: 10_000,
        axisLabel: { ...TEXT, formatter: percentileLabel },
        splitLine: { show: false },
      },
      yAxis: { type: 'log', name: 'ms', min: LEAST_MS, axisLabel: TEXT },
      series,
    },
  }
}

const percentileLabel = (oneIn: number) => (oneIn === 1 ? 'fastest' : `${Number((100 * (1 - 1 / oneIn)).toFixed(2))} %`)
