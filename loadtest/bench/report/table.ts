import Table from 'cli-table3'
import { readings, type Reading } from '../figures.ts'
import type { BenchRun } from '../results.ts'

/** The whole run for a person: one table, the targets beside what was measured. */
export function table(run: BenchRun): string {
  const view = new Table({
    head: ['', 'median', 'rounds', 'must', 'aim', ''],
    colAligns: ['left', 'right', 'right', 'right', 'right', 'left'],
    style: { head: [], border: [] },
  })
  const all = readings(run.rounds)
  for (const section of new Set(all.map(({ figure }) => figure.section))) {
    view.push([{ content: section.toUpperCase(), colSpan: 6 }])
    for (const reading of all) if (reading.figure.section === section) view.push(row(reading))
  }
  return [`\n${headline(run)}`, view.toString(), cpuLines(run), disturbanceLine(run), auditLine(run)]
    .filter((part) => part !== '')
    .join('\n')
}

export function headline({ at, commit, machine, versions, options }: BenchRun): string {
  const servers = Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ')
  return (
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGb} GB; ${servers}; commit ${commit}; ${at.slice(0, 10)}; ` +
    `${options.connections} connections, ${options.rounds} × ${options.seconds} s`
  )
}

export function amount(value: number, digits: number): string {
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

function row({ figure, median, low, high, values, verdict }: Reading): string[] {
  const { digits, must, aim } = figure
  return [
    figure.label,
    amount(median, digits),
    values.length > 1 ? `${amount(low, digits)} – ${amount(high, digits)}` : '',
    must === undefined ? '' : String(must),
    aim === undefined ? '' : String(aim),
    verdict ?? '',
  ]
}

/** Of the last round: what a request costs, in µs of CPU, and whose. */
function cpuLines({ rounds }: BenchRun): string {
  const measures = rounds.at(-1)?.measures ?? {}
  const lines = Object.entries(measures).flatMap(([id, { cpuMicrosPerRequest }]) => {
    const parts = Object.entries(cpuMicrosPerRequest ?? {})
      .filter(([, micros]) => micros >= 0.5)
      .map(([name, micros]) => `${name} ${micros.toFixed(0)}`)
    return parts.length > 0 ? [`  ${id.padEnd(17)} ${parts.join(', ')}`] : []
  })
  return lines.length > 0 ? `CPU µs per request, last round:\n${lines.join('\n')}` : ''
}

/** A quarter of a core is what the figures of a run can bear without moving more than they do by themselves. */
const DISTURBED_CORES = 0.25

/** Empty when the machine was ours alone. */
export function disturbanceLine({ rounds }: BenchRun): string {
  const disturbed = rounds.flatMap(({ measures }, i) =>
    Object.entries(measures).flatMap(([id, { disturbance }]) => {
      const { othersCores = 0, stolenCores = 0 } = disturbance ?? {}
      if (othersCores + stolenCores < DISTURBED_CORES) return []
      return [`${id} of round ${i + 1} (others ${othersCores.toFixed(1)}, host ${stolenCores.toFixed(1)} cores)`]
    }),
  )
  return disturbed.length > 0
    ? `DISTURBED by other programs or by the machine's host, not to be trusted: ${disturbed.join(', ')}`
    : ''
}

function auditLine({ sales }: BenchRun): string {
  const good = sales.filter(({ problems, balanced }) => balanced && problems.length === 0).length
  return `Audit: ${good} of ${sales.length} sales balanced, ${amount(
    sales.reduce((sum, sale) => sum + sale.sold, 0),
    0,
  )} units sold.`
}
