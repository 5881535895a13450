/**
 * npm run drain-bench -- batch [--events 20000]      each subscriber, one event in a transaction and a hundred
 * npm run drain-bench -- spread [--events 100000]    points: more processes, and the backlog spread
 * npm run drain-bench -- slow [--events 4000]        the same with an effect that waits 20 ms for somebody
 * On servers of its own; the raw figures go to loadtest/results.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { commit, describeMachine } from '../bench/describe-machine.ts'
import { type Case, drain, type Drained } from './drain.ts'
import { startServers } from './servers.ts'

const { values, positionals: [what = ''] } = parseArgs({ allowPositionals: true, options: { events: { type: 'string' }, only: { type: 'string', default: '' } } })
const SHARES = [{ partitions: 2, processes: 1 }, { partitions: 2, processes: 2 }, { partitions: 10, processes: 1 }, { partitions: 10, processes: 4 }]
const SPREADS = [0, 1, 3].map((processes) => ({ partitions: 2, processes: 1, spread: { over: 10, processes } }))
const shares = (subscriber: string, events: number) => [...SHARES, ...SPREADS].map((share): Case => ({ subscriber, events, batch: 100, ...share }))
const CASES: Record<string, (events: number | undefined) => Case[]> = {
  batch: (events = 20_000) => ['coupon', 'points', 'risk', 'sms', 'statistics'].flatMap((subscriber) => [1, 100].map((batch) => ({ subscriber, events, batch, partitions: 4, processes: 1 }))),
  spread: (events = 100_000) => shares('points', events),
  slow: (events = 4_000) => shares('slow', events),
}
const cases = CASES[what]?.(values.events === undefined ? undefined : Number(values.events)).filter((one) => `${describe(one)}.`.includes(values.only))
if (!cases || cases.length === 0) {
  console.error('Expected: npm run drain-bench -- batch|spread|slow [--events N] [--only PART OF A CASE]')
  process.exit(2)
}

const servers = await startServers()
const drained: Drained[] = []
try {
  for (const one of cases) {
    drained.push(await drain(servers, one))
    const { seconds, perSecond } = drained.at(-1) ?? { seconds: 0, perSecond: 0 }
    console.log(`${describe(one).padEnd(100)}${seconds.toFixed(1).padStart(8)} s${perSecond.toLocaleString('en-US').padStart(10)} a second`)
  }
} finally {
  await servers.stop()
}
await mkdir('loadtest/results', { recursive: true })
const at = new Date().toISOString()
const file = `loadtest/results/drain-${what}-${at.replaceAll(':', '').slice(0, 17)}.json`
await writeFile(file, `${JSON.stringify({ at, commit: commit(), machine: describeMachine(), drained }, null, 1)}\n`)
console.log(`Raw figures: ${file}`)

function describe({ subscriber, events, partitions, processes, batch, spread }: Case): string {
  return `${subscriber}, ${events} events, ${partitions} partitions, ${processes} processes, batches of ${batch}${spread ? `, spread over ${spread.over} with ${spread.processes} more processes` : ''}`
}
