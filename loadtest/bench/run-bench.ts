import { execFileSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { cpus, totalmem } from 'node:os'
import { measuredFiles } from './measured-files.ts'
import * as measures from './measures.ts'
import type { Bench } from './measure.ts'
import type { NaiveShop } from './naive-shop.ts'
import type { BenchOptions, BenchRun, Measured, Round } from './results.ts'
import { RAISED } from './system.ts'
import { withSystem } from './with-system.ts'

/** Of what the gateway accepts at most: several times the steady rate, and no buyer is refused. */
const RUSH_SHARE = 0.6

/** Everything from nothing to figures; says what it does as it goes. */
export async function runBench(options: BenchOptions, signal: AbortSignal): Promise<BenchRun> {
  return await withSystem(options, [], async (bench, naive) => {
    const { version: express } = createRequire(import.meta.url)('express/package.json') as { version: string }
    const { shop, system } = bench
    const run: BenchRun = {
      format: 2,
      at: new Date().toISOString(),
      commit: commit(),
      machine: machine(),
      versions: { node: process.versions.node, express, ...system.servers.versions },
      options,
      raised: [...Object.keys(RAISED), 'ORDERS_PER_SECOND (not in the rush)'],
      measured: measuredFiles(),
      rounds: [],
      sold: 0,
      unexpected: bench.unexpected,
    }
    for (let i = 1; i <= options.rounds; i++) {
      console.error(`round ${i} of ${options.rounds}`)
      run.rounds.push(await runRound(bench, naive, signal))
    }
    signal.throwIfAborted()
    console.error('a rush and a steady order service, then the audit')
    run.rush = await measures.watchRush(bench, Math.max(1, RUSH_SHARE * accepted(run.rounds.at(-1), 'buy')))
    run.sold = await shop.sold()
    run.unexpected.push(...(await shop.audit()), ...system.deaths)
    return run
  })
}

/** Every measure once: a slow phase of the machine slows all of them alike. After a request to stop no step begins. */
async function runRound(bench: Bench, naive: NaiveShop, signal: AbortSignal): Promise<Round> {
  const { system } = bench
  const round: Round = { measures: {} }
  const step = async (id: string, run: () => Promise<Measured>) => {
    signal.throwIfAborted()
    if (bench.options.only?.includes(id) === false) return
    const measured = await run()
    round.measures[id] = measured
    console.error(`  ${id}: ${told(measured)}`)
  }
  await system.stopOrderService()
  await step('plain', () => measures.measureYardstick(bench, 'plain'))
  await step('hello', () => measures.measureYardstick(bench, 'hello'))
  await step('buy', () => measures.measureBuying(bench))
  round.backlog = await measures.workOffBacklog(bench)
  await step('buyWriting', () => measures.measureBuying(bench, { toTheEnd: true }))
  await step('carried', () => measures.measureBuying(bench, { plan: { pays: true }, toTheEnd: true }))
  await step('carriedHalf', () => measures.measureCarriedHalf(bench))
  const carried = round.measures.carried?.donePerSecond ?? 0
  const ceiling = accepted(round, 'buyWriting')
  await step('calm', () => measures.measureOpen(bench, 0.5 * carried, { pays: true }))
  await step('latency40', () => measures.measureOpen(bench, 0.4 * ceiling))
  await step('latency70', () => measures.measureOpen(bench, 0.7 * ceiling))
  await step('soldOut', () => measures.measureSoldOut(bench))
  await step('soldOutTwo', () => measures.measureSoldOutTwo(bench))
  await step('limited', () => measures.measureLimited(bench))
  await step('unknownPath', () => measures.measureUnknownPath(bench))
  await step('naiveForUpdate', () => naive.measure(bench, 'for-update'))
  await step('naiveConditional', () => naive.measure(bench, 'conditional-update'))
  await step('naiveStatement', () => naive.measure(bench, 'one-statement'))
  await step('naiveQueue', () => naive.measure(bench, 'queue'))
  await step('naiveCarried', () => naive.measureCarried(bench, 'conditional-update'))
  await step('naiveCarriedHalf', () => naive.measureCarried(bench, 'conditional-update', { couponsAndPoints: true }))
  await step('naiveQueueCarried', () => naive.measureCarried(bench, 'queue'))
  return round
}

const accepted = (round: Round | undefined, id: string) => round?.measures[id]?.load.perSecond.accepted ?? 0

function told({ load: { perSecond, latencyMs }, donePerSecond, startedBefore }: Measured): string {
  return [
    ...Object.entries(perSecond).flatMap(([outcome, rate]) => (rate > 0 ? [`${outcome} ${rate.toFixed(0)}/s`] : [])),
    ...(donePerSecond === undefined ? [] : [`done ${donePerSecond.toFixed(0)}/s`]),
    `p99 ${latencyMs.p99.toFixed(1)} ms`,
    ...(startedBefore === undefined ? [] : [`STARTED BEFORE these were done: ${startedBefore}`]),
  ].join(', ')
}

export function machine(): string {
  return `${cpus()[0]?.model.trim()}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GB`
}

/** The commit that is measured, with a mark when the checkout differs from it. */
export function commit(): string {
  const git = (args: string[]) => execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  try {
    const isClean = git(['status', '--porcelain']) === ''
    return git(['rev-parse', '--short=10', 'HEAD']).trim() + (isClean ? '' : ' and changes')
  } catch {
    return 'unknown'
  }
}
