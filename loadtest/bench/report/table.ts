import Table from 'cli-table3'
import type { CpuMicros } from '../cpu.ts'
import { isMoreBetter, type Reading, readings } from '../figures.ts'
import type { BenchRun, Measured } from '../results.ts'

/** The whole run for a person: one table, the targets beside what was measured, and what to think of it. */
export function table(run: BenchRun): string {
  const view = new Table({
    head: ['', 'median', 'rounds', 'target', ''],
    style: { head: [], border: [], compact: true },
  })
  for (const reading of readings(run.rounds)) {
    const { figure, median, verdict = '' } = reading
    const target = figure.target === undefined ? '' : `${isMoreBetter(figure) ? '≥' : '≤'} ${figure.target}`
    view.push([`${figure.label} (${figure.section})`, amount(median), spread(reading), target, verdict])
  }
  const costs = Object.entries(run.rounds.at(-1)?.measures ?? {}).flatMap(([id, measured]) => [
    `  ${id}, per request: ${byProcess(measured?.cpuPerRequest)}`,
    ...(measured?.cpuPerOrder ? [`  ${id}, per order: ${byProcess(measured.cpuPerOrder)}`] : []),
  ])
  return [headline(run), view.toString(), 'CPU by process, µs, last round:', ...costs, ...remarks(run)].join('\n')
}

export function headline({ at, commit, machine, versions, options }: BenchRun): string {
  const servers = Object.entries(versions).map(([name, version]) => `${name} ${version}`)
  return (
    `${machine}; ${servers.join(', ')}; commit ${commit}; ${at.slice(0, 10)}; ` +
    `${options.connections} connections, ${options.rounds} × ${options.seconds} s`
  )
}

/** Three digits at least, and no more than a measurement has. */
export function amount(value: number): string {
  if (!Number.isFinite(value)) return '–'
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

export const spread = ({ values }: Reading) => `${amount(Math.min(...values))} – ${amount(Math.max(...values))}`

/** The heaviest first; read from /proc, which only Linux has. */
export function byProcess(cpu: CpuMicros | undefined): string {
  const parts = Object.entries(cpu ?? {}).filter(([, micros]) => micros >= 1)
  const sorted = parts.toSorted(([, one], [, other]) => other - one)
  return cpu ? sorted.map(([name, micros]) => `${name} ${amount(micros)}`).join(', ') : 'not known on this system'
}

/** A quarter of a core is what the figures of a run can bear without moving more than they do by themselves. */
const DISTURBED_CORES = 0.25

/** What was raised, and what spoils a figure. */
export function remarks(run: BenchRun): string[] {
  const each = (title: string, what: (measured: Measured) => string | undefined) => {
    const found = run.rounds.flatMap(({ measures }, i) =>
      Object.entries(measures).flatMap(([id, measured]) => {
        const remark = measured && what(measured)
        return remark === undefined ? [] : [`${id} of round ${i + 1} (${remark})`]
      }),
    )
    return found.length > 0 ? [`${title}: ${found.join(', ')}`] : []
  }
  return [
    `Limits raised, the others as shipped: ${run.raised.join(', ')}`,
    ...(run.rush
      ? [
          `After the rush: ${amount(run.rush.secondsToOrders)} s to the last order, ${amount(run.rush.secondsToEffects)} s to the last effect`,
        ]
      : []),
    ...each('STARTED BEFORE the work of earlier measures was done', ({ startedBefore }) => startedBefore),
    ...each("DISTURBED by other programs or by the machine's host, in cores", ({ disturbance }) => {
      const { othersCores = 0, stolenCores = 0 } = disturbance ?? {}
      return othersCores + stolenCores < DISTURBED_CORES ? undefined : amount(othersCores + stolenCores)
    }),
    `Units sold and audited: ${amount(run.sold)}`,
  ]
}
