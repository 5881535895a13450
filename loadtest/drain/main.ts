/**
 * Usage: npm run drain-bench -- batch|spread|slow [--events N] [--only TEXT]
 *   batch           each subscriber, one event in a transaction and a hundred; 20,000 events
 *   spread          points: more processes, and the backlog moved to ten partitions; 100,000 events
 *   slow            the same with an effect that waits 20 ms for another system; 4,000 events
 *   --events N      another number of events
 *   --only TEXT     only the cases whose description has this text
 * Measures how fast a backlog drains, on servers of its own; the raw figures go to loadtest/results.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { commandLine, numberOf, refuse } from '../../core/platform/process/command-line.ts'
import { commit, describeMachine } from '../bench/describe-machine.ts'
import { type Case, drain, type Drained } from './drain.ts'
import { startServers } from './servers.ts'

const {
  values,
  positionals: [what = ''],
} = commandLine({ events: { type: 'string' }, only: { type: 'string', default: '' } }, [1, 1])
const events = values.events === undefined ? undefined : numberOf('--events', values.events, [1, 10_000_000])
const SHARES = [
  { partitions: 2, processes: 1 },
  { partitions: 2, processes: 2 },
  { partitions: 10, processes: 1 },
  { partitions: 10, processes: 4 },
]
const SPREADS = [1, 4].map((processes) => ({ partitions: 2, processes, spreadOver: 10 }))
const shares = (subscriber: string, events: number) =>
  [...SHARES, ...SPREADS].map((share): Case => ({ subscriber, events, batch: 100, ...share }))
const CASES: Record<string, (events: number | undefined) => Case[]> = {
  batch: (events = 20_000) =>
    ['coupon', 'points', 'risk', 'sms', 'statistics'].flatMap((subscriber) =>
      [1, 100].map((batch) => ({ subscriber, events, batch, partitions: 4, processes: 1 })),
    ),
  spread: (events = 100_000) => shares('points', events),
  slow: (events = 4_000) => shares('slow', events),
}
const cases = CASES[what]?.(events).filter((one) => `${describe(one)}.`.includes(values.only))
if (!cases || cases.length === 0)
  refuse(
    cases ? `No case of "${what}" has the text "${values.only}".` : `Expected batch, spread or slow, got "${what}".`,
  )

const servers = await startServers()
const drained: Drained[] = []
try {
  for (const one of cases) {
    drained.push(await drain(servers, one))
    const { seconds, perSecond } = drained.at(-1) ?? { seconds: 0, perSecond: 0 }
    console.log(
      `${describe(one).padEnd(100)}${seconds.toFixed(1).padStart(8)} s${perSecond.toLocaleString('en-US').padStart(10)} a second`,
    )
  }
} finally {
  await servers.stop()
}
await mkdir('loadtest/results', { recursive: true })
const at = new Date().toISOString()
const file = `loadtest/results/drain-${what}-${at.replaceAll(':', '').slice(0, 17)}.json`
await writeFile(file, `${JSON.stringify({ at, commit: commit(), machine: describeMachine(), drained }, null, 1)}\n`)
console.log(`Raw figures: ${file}`)

function describe({ subscriber, events, partitions, processes, batch, spreadOver }: Case): string {
  return `${subscriber}, ${events} events, ${partitions} partitions, ${processes} processes, batches of ${batch}${spreadOver ? `, moved to ${spreadOver}` : ''}`
}
