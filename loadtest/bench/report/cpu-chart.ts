import type { BenchRun, MeasureId } from '../results.ts'
import { amount } from './table.ts'
import { BESIDE_NAMES, type Chart, LEGEND_GAP, PROCESS_COLOURS, TEXT, TITLE } from './chart.ts'

/** Without the Prisma designs, which need ten times as much and would leave the others no room. */
const ROWS: [id: MeasureId, label: string][] = [
  ['buy', 'buy'],
  ['buyWriting', 'buy, orders written'],
  ['buyExpress', 'buy, Express only'],
  ['soldOut', 'sold out'],
  ['limited', 'limited'],
  ['naiveQueue', 'naive: queue, not written'],
  ['naiveStatement', 'naive: one statement'],
  ['hello', 'bare Express'],
]
const LEAST_SHOWN_MICROS = 1

/** What a request costs, and whose CPU pays it. Undefined where the system did not tell. */
export function cpuChart({ rounds }: BenchRun): Chart | undefined {
  const measures = rounds.at(-1)?.measures ?? {}
  const rows = ROWS.flatMap(([id, label]) => {
    const cpu = measures[id]?.cpuMicrosPerRequest
    return cpu ? [{ label, byProcess: merged(cpu) }] : []
  })
  if (rows.length === 0) return undefined
  const names = Object.keys(PROCESS_COLOURS).filter((name) =>
    rows.some(({ byProcess }) => (byProcess[name] ?? 0) >= LEAST_SHOWN_MICROS),
  )
  return {
    height: 130 + rows.length * 32,
    option: {
      title: { text: 'CPU per request, in µs (last round)', ...TITLE },
      legend: { top: 36, left: 10, itemGap: LEGEND_GAP, textStyle: TEXT },
      grid: { ...BESIDE_NAMES, top: 80, bottom: 30 },
      xAxis: { type: 'value', axisLabel: TEXT },
      yAxis: {
        type: 'category',
        inverse: true,
        data: rows.map(({ label }) => label),
        axisTick: { show: false },
        axisLabel: TEXT,
      },
      series: names.map((name) => ({
        name,
        type: 'bar',
        stack: 'cpu',
        barMaxWidth: 20,
        itemStyle: { color: PROCESS_COLOURS[name] },
        label: {
          show: true,
          color: '#fff',
          formatter: ({ value }: { value: number }) => (value >= 15 ? amount(value, 0) : ''),
        },
        data: rows.map(({ byProcess }) => byProcess[name] ?? 0),
      })),
    },
  }
}

/** Whatever answers HTTP is "web", ours, Express's or a rival's, so that like stands beside like. */
function merged(cpu: Record<string, number>): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const [name, micros] of Object.entries(cpu)) {
    const as = name in PROCESS_COLOURS ? name : 'web'
    sums[as] = (sums[as] ?? 0) + micros
  }
  return sums
}
