/**
 * Usage: npm run profile [-- --seconds S]     10 when left out
 * Where the gateway's CPU goes while it accepts: node writes a CPU profile and a heap profile of it to loadtest/results,
 * to be opened in Chrome's DevTools or an editor. Its start is in them, too. The order service does not run.
 */
import { mkdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import { commandLine, numberOf } from '../../core/platform/process/command-line.ts'
import { measureBuying } from './measures.ts'
import { withSystem } from './with-system.ts'

/** Finer than node's default of 1,000: a request takes 30 µs. */
const SAMPLE_EVERY_MICROS = 250

const { values } = commandLine({ seconds: { type: 'string', default: '10' } })
const seconds = numberOf('--seconds', values.seconds, [0.1, 3_600], { isWhole: false })
const folder = resolve('loadtest/results', `gateway-${new Date().toISOString().replaceAll(':', '').slice(0, 17)}`)
await mkdir(folder, { recursive: true })
const args = ['--cpu-prof', `--cpu-prof-interval=${SAMPLE_EVERY_MICROS}`, '--heap-prof'].concat(
  ['--cpu-prof-dir', '--heap-prof-dir'].map((option) => `${option}=${folder}`),
)

await withSystem({ rounds: 1, seconds, connections: 128 }, { gatewayArgs: args }, async (bench) => {
  const { load } = await measureBuying(bench)
  console.log(`${load.perSecond.accepted.toFixed(0)} accepted a second while it was profiled, which costs some itself.`)
})
console.log(
  `Profiles of the gateway, one of each process and thread; the largest is of the one that answers: ${folder}`,
)
