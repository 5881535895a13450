/**
 * Usage: npm run profile [-- --seconds S]     5 when left out
 * Where the gateway's CPU goes while it accepts: writes a CPU and a heap profile (open them in Chrome's DevTools) to
 * loadtest/results/ and prints who had most of the CPU. The order service does not run.
 */
import { existsSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import Table from 'cli-table3'
import { commandLine, numberOf } from '../../core/platform/process/command-line.ts'
import { withSystem } from './with-system.ts'
import { measureBuying } from './measures/buying.ts'
import { type CpuProfile, type SelfTime, selfTimes } from './profile/self-time.ts'

const SHOWN = 15
const WRITE_LIMIT_MS = 30_000

const { values } = commandLine({ seconds: { type: 'string', default: '5' } })
const seconds = numberOf('--seconds', values.seconds, [0.1, 3_600], { isWhole: false })
await mkdir('loadtest/results', { recursive: true })
const file = `loadtest/results/gateway-${new Date().toISOString().replaceAll(':', '').slice(0, 17)}`
const gatewayEnv = {
  NODE_OPTIONS: `--import=${pathToFileURL(join(import.meta.dirname, 'profile/profiler.mjs')).href}`,
  PROFILE_FILE: resolve(file),
}

await withSystem({ rounds: 1, seconds, connections: 128 }, { say: console.error, gatewayEnv }, async (bench) => {
  console.error('buying, to warm up …')
  await measureBuying(bench, 'gateway')
  console.error('buying, profiled …')
  process.kill(bench.system.pid('gateway'), 'SIGWINCH')
  const { load } = await measureBuying(bench, 'gateway')
  process.kill(bench.system.pid('gateway'), 'SIGWINCH')
  for (const until = Date.now() + WRITE_LIMIT_MS; !existsSync(`${file}.cpuprofile`); ) {
    if (Date.now() > until) throw new Error('The gateway wrote no profile.')
    await delay(100)
  }
  console.log(`${load.perSecond.accepted.toFixed(0)} accepted a second while it was profiled, which costs some itself.`)
})

const { functions, files } = selfTimes(JSON.parse(await readFile(`${file}.cpuprofile`, 'utf8')) as CpuProfile)
console.log(table('function', functions))
console.log(table('file or package', files))
console.log(`CPU profile:  ${file}.cpuprofile\nHeap profile: ${file}.heapprofile`)

function table(head: string, times: SelfTime[]): string {
  const view = new Table({ head: [head, 'self time'], colAligns: ['left', 'right'], style: { head: [], border: [] } })
  for (const { name, share } of times.slice(0, SHOWN)) view.push([name, `${(100 * share).toFixed(1)} %`])
  return view.toString()
}
