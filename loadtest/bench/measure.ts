import type { Bench } from './context.ts'
import { CpuMeter } from './cpu-meter.ts'
import { type Outcome, OUTCOMES } from './load/outcomes.ts'
import type { LoadPlan, LoadResult, Sample } from './load/plan.ts'
import type { BenchOptions, Measured } from './results.ts'

/** A fifth of the time: enough for the compiler to have seen the hot path, short enough to leave little behind. */
const WARM_UP_SHARE = 0.2
const WARM_UP_SECONDS_MIN = 0.5

export interface MeasureOptions {
  /** For messages: "buying". */
  name: string
  url: string
  /** Whose CPU is told apart, by the names they were started with. */
  processes: string[]
  /** Every other answer is unexpected. */
  expected: Outcome[]
  plan?: Partial<LoadPlan>
  /** Ours: the sale whose units are accepted, to be audited at the end. */
  saleId?: string
  /** What the warm-up began is to be over before the clock starts. */
  afterWarmUp?: () => Promise<void>
  onSample?: (sample: Sample) => void
}

export function warmUpSeconds({ seconds }: BenchOptions): number {
  return Math.max(WARM_UP_SECONDS_MIN, seconds * WARM_UP_SHARE)
}

/** One run with a warm-up before it: rates, latency, and what each process paid for it. */
export async function measure(bench: Bench, options: MeasureOptions): Promise<Measured> {
  const { seconds, connections } = bench.options
  const plan: LoadPlan = {
    kind: 'http',
    url: options.url,
    mode: 'closed',
    seconds,
    connections,
    connectionsMax: connections,
    firstBuyer: 0,
    ...options.plan,
  }
  const warmUp = await bench.generator.run({ ...plan, seconds: warmUpSeconds(bench.options) })
  await options.afterWarmUp?.()

  const meter = new CpuMeter({ ...bench.system.pids(), generator: bench.generator.pid, bench: process.pid })
  const load = await bench.generator.run({ ...plan, firstBuyer: warmUp.nextBuyer }, options.onSample)
  const answered = OUTCOMES.reduce((sum, outcome) => sum + load.outcomes[outcome], 0)
  const cost = meter.read(options.processes, answered)

  for (const run of [warmUp, load]) {
    bench.unexpected.push(...unexpectedOf(options.name, run, options.expected))
    if (options.saleId !== undefined)
      bench.accepted.set(options.saleId, (bench.accepted.get(options.saleId) ?? 0) + run.outcomes.accepted)
  }
  // The generator tells its own, without what it did before the clock started.
  return {
    load,
    ...cost,
    ...(cost.cpuMicrosPerRequest && {
      cpuMicrosPerRequest: { ...cost.cpuMicrosPerRequest, generator: load.cpu.microsPerRequest },
    }),
  }
}

/** A 503 is an honest answer of a crowded shop; it is shown, and no reason to fail. */
function unexpectedOf(name: string, load: LoadResult, expected: Outcome[]): string[] {
  const outcomes = OUTCOMES.filter(
    (outcome) => load.outcomes[outcome] > 0 && outcome !== 'busy' && !expected.includes(outcome),
  )
  return [
    ...outcomes.map(
      (outcome) =>
        `${name}: ${load.outcomes[outcome]} answers were "${outcome}" (by status: ${JSON.stringify(load.statuses)})`,
    ),
    ...(load.unanswered > 0 ? [`${name}: ${load.unanswered} requests were never answered`] : []),
    ...load.failures.map((failure) => `${name}: ${failure}`),
  ]
}
