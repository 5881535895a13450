import { execFileSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { cpus, totalmem } from 'node:os'
import { measuredFiles } from './measured-files.ts'
import * as measures from './measures.ts'
import type { Bench } from './measure.ts'
import type { NaiveShop } from './naive-shop.ts'
import type { BenchOptions, BenchRun, Measured, Round } from './results.ts'
import { STEP_IDS, stepOf } from './steps.ts'
import { RAISED } from './system.ts'
import { withSystem } from './with-system.ts'

/** Of what the gateway accepts at most: several times the steady rate, and no buyer is refused. */
const RUSH_SHARE = 0.6

/** Everything from nothing to figures; says what it does as it goes. */
export async function runBench(options: BenchOptions, signal: AbortSignal): Promise<BenchRun> {
  return await withSystem(options, { signal }, async (bench, naive) => {
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
  const { only = STEP_IDS } = bench.options
  const round: Round = { measures: {} }
  // The round before may have left orders to write, which need the order service.
  const left = await bench.shop.untilDone()
  if (left !== undefined) bench.unexpected.push(`a round began before these were done: ${left}`)
  await bench.system.stopOrderService()
  for (const id of STEP_IDS) {
    signal.throwIfAborted()
    if (only.includes(id)) {
      const measured = await stepOf(id)(bench, naive, round)
      round.measures[id] = measured
      console.error(`  ${id}: ${told(measured)}`)
    }
    if (id === 'buy') round.backlog = await measures.workOffBacklog(bench)
  }
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
