import { amount } from './table.ts'
import type { BenchRun } from '../results.ts'
import { type Reading, readings } from '../figures.ts'
import { BESIDE_NAMES, type Chart, COLOURS, TEXT, TITLE } from './chart.ts'

interface Bar {
  label: string
  value: number
  colour: string
}

/** What the shop accepts, beside what its rivals accept under the same load. */
export function acceptedChart(run: BenchRun): Chart {
  return bars('Accepted per second, a new buyer per request', run, [
    ['accepted', 'Seckill: accepted', COLOURS.ours],
    ['durable', 'Seckill: accepted and written', COLOURS.ours],
    ['naiveQueue', 'queue as one would write it: accepted', COLOURS.rival],
    ['naiveStatement', 'one hand-written SQL statement', COLOURS.rival],
    ['naiveConditional', 'Prisma, conditional UPDATE', COLOURS.rival],
    ['naiveForUpdate', 'Prisma, SELECT … FOR UPDATE', COLOURS.rival],
    ['naiveWritten', 'queue as one would write it: written', COLOURS.rival],
    ['hello', 'bare Express, "hello"', COLOURS.yardstick],
  ])
}

/** Refusing is most of the work of such a sale. */
export function refusedChart(run: BenchRun): Chart {
  return bars('Refused per second', run, [
    ['soldOut', 'sold out, new buyers', COLOURS.ours],
    ['soldOutAgain', 'sold out, the same buyers', COLOURS.ours],
    ['soldOutTwo', 'sold out, new buyers, two processes', COLOURS.ours],
    ['soldOutAgainTwo', 'sold out, the same buyers, two processes', COLOURS.ours],
    ['limited', 'limited', COLOURS.ours],
    ['hello', 'bare Express, "hello"', COLOURS.yardstick],
  ])
}

function bars(title: string, run: BenchRun, wanted: [id: string, label: string, colour: string][]): Chart {
  const all = new Map<string, Reading>(readings(run.rounds).map((reading) => [reading.figure.id, reading]))
  const shown: Bar[] = wanted.flatMap(([id, label, colour]) => {
    const reading = all.get(id)
    return reading ? [{ label, value: reading.median, colour }] : []
  })
  return {
    height: 90 + shown.length * 32,
    option: {
      title: { text: title, ...TITLE },
      grid: BESIDE_NAMES,
      xAxis: { type: 'value', axisLabel: { show: false }, splitLine: { show: false } },
      yAxis: {
        type: 'category',
        inverse: true,
        data: shown.map(({ label }) => label),
        axisTick: { show: false },
        axisLabel: TEXT,
      },
      series: [
        {
          type: 'bar',
          barMaxWidth: 20,
          data: shown.map(({ value, colour }) => ({
            value,
            itemStyle: { color: colour },
            label: { show: true, position: 'right', formatter: amount(value, 0), ...TEXT },
          })),
        },
      ],
    },
  }
}
