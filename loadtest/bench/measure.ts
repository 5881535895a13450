import { type CpuMicros, meterCpu } from './cpu.ts'
import type { Generator } from './generator.ts'
import { type LoadPlan, type LoadResult, type Outcome, OUTCOMES } from './load/plan.ts'
import type { Program } from './program.ts'
import type { BenchOptions, Measured } from './results.ts'
import type { Shop } from './shop.ts'
import type { System } from './system.ts'

/** What every measure works with. */
export interface Bench {
  options: BenchOptions
  system: System
  shop: Shop
  generator: Generator
  yardsticks: Record<'plain' | 'hello', Program>
  unexpected: string[]
}

export interface MeasureOptions {
  url: string
  /** Every other answer is unexpected. */
  expected?: Outcome[]
  plan?: Partial<LoadPlan>
  /** Of ours: its accepted units are audited at the end. */
  saleId?: string
  /** The work that the load leaves behind is measured, too, to its last effect. */
  toTheEnd?: boolean
}

/** One run with a warm-up before it. It begins when the work of the one before is done, or says what was left. */
export async function measure(bench: Bench, options: MeasureOptions): Promise<Measured> {
  const { generator, shop, system } = bench
  const { seconds, connections } = bench.options
  const plan: LoadPlan = { url: options.url, seconds, connections, firstBuyer: 0, ...options.plan }
  await shop.untilDone()
  // Enough for the compiler to have seen the hot path, and little is left behind. Paying buyers are few a second.
  const warmUp = await generator.run({ ...plan, seconds: Math.max(0.5, seconds * (plan.pays ? 1 : 0.2)) })
  count(bench, options, warmUp.result)
  const left = await shop.untilDone()

  const readMeter = meterCpu({ ...system.servers.pids, generator: generator.pid, bench: process.pid })
  const { result: load, orders } = await generator.run({ ...plan, firstBuyer: warmUp.result.nextBuyer })
  const { byProcess, disturbance } = readMeter()
  count(bench, options, load)
  const answers = OUTCOMES.reduce((sum, outcome) => sum + load.outcomes[outcome], 0)
  const measured: Measured = {
    load,
    ...(left !== undefined && { startedBefore: left }),
    ...(byProcess && { cpuPerRequest: perUnit(byProcess, answers) }),
    ...(disturbance && { disturbance }),
  }
  if (options.toTheEnd !== true) return measured

  const undone = await shop.untilDone()
  if (undone !== undefined) bench.unexpected.push(`${options.url}: still to be done after the limit: ${undone}`)
  const all = readMeter().byProcess
  const units = plan.pays === true ? load.paid : load.outcomes.accepted
  return {
    ...measured,
    donePerSecond: (units * 1_000) / (Math.max(load.endedAtMs, await shop.lastEffectAtMs()) - load.startedAtMs),
    ...(all && { cpuPerOrder: perUnit(all, units) }),
    ...(plan.pays && { toLastEffectMs: await shop.toLastEffect(orders) }),
  }
}

function perUnit(byProcess: CpuMicros, units: number): CpuMicros {
  const shares = Object.entries(byProcess).map(([name, micros]): [string, number] => [
    name,
    micros / Math.max(1, units),
  ])
  return Object.fromEntries(shares.filter(([, micros]) => micros > 0))
}

/** A 503 is an honest answer of a crowded shop; it is shown, and no reason to fail. */
function count(
  { shop, unexpected }: Bench,
  { url, saleId, expected = ['accepted'] }: MeasureOptions,
  load: LoadResult,
) {
  if (saleId !== undefined) shop.accepted.set(saleId, (shop.accepted.get(saleId) ?? 0) + load.outcomes.accepted)
  const wrong = OUTCOMES.filter((outcome) => load.outcomes[outcome] > 0 && ![...expected, 'busy'].includes(outcome))
  unexpected.push(...wrong.map((outcome) => `${url}: ${load.outcomes[outcome]} answers were "${outcome}"`))
  unexpected.push(...load.failures.map((failure) => `${url}: ${failure}`))
}
