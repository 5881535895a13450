/**
 * Usage: npm run drain-bench -- [--events N] [subscriber …]
 *   --events N      20,000 when left out
 *   subscriber …    of coupon, points, risk, sms, statistics and slow; all when left out
 * Measures how fast a backlog drains, on servers of its own: one event in a transaction and a hundred; "slow", whose
 * effect waits 20 ms for another system, on 2 and 10 partitions. The raw figures go to loadtest/results.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { commandLine, numberOf, refuse } from '../../core/platform/process/command-line.ts'
import { commit, machine } from '../bench/run-bench.ts'
import { startServers } from '../bench/servers.ts'
import { type Case, drain } from './drain.ts'

const SUBSCRIBERS = ['coupon', 'points', 'risk', 'sms', 'statistics', 'slow']

const { values, positionals } = commandLine({ events: { type: 'string', default: '20000' } }, [0, SUBSCRIBERS.length])
const events = numberOf('--events', values.events, [2, 10_000_000])
const unknown = positionals.find((name) => !SUBSCRIBERS.includes(name))
if (unknown !== undefined) refuse(`Expected one of ${SUBSCRIBERS.join(', ')}, got "${unknown}".`)

const cases = (positionals.length > 0 ? positionals : SUBSCRIBERS).flatMap((subscriber): Case[] =>
  subscriber === 'slow'
    ? [2, 10].map((partitions) => ({ subscriber, events: events / 5, batch: 100, partitions }))
    : [1, 100].map((batch) => ({ subscriber, events, batch, partitions: 4 })),
)
const servers = await startServers()
const drained: (Case & { seconds: number; perSecond: number })[] = []
try {
  for (const one of cases) {
    const seconds = await drain(servers, one)
    drained.push({ ...one, seconds, perSecond: Math.round(one.events / seconds) })
    console.log(JSON.stringify(drained.at(-1)))
  }
} finally {
  await servers.stop()
}
await mkdir('loadtest/results', { recursive: true })
const at = new Date().toISOString()
const file = `loadtest/results/drain-${at.replaceAll(':', '').slice(0, 17)}.json`
await writeFile(file, `${JSON.stringify({ at, commit: commit(), machine: machine(), drained }, null, 1)}\n`)
console.log(`Raw figures: ${file}`)
