import { Listr, type ListrTask } from 'listr2'
import type { Bench } from './context.ts'
import { commit, describeMachine, versions } from './describe-machine.ts'
import { auditSales } from './final-audit.ts'
import { watchPeak } from './measures/peak.ts'
import type { BenchOptions, BenchRun, Round } from './results.ts'
import { roundTasks } from './rounds.ts'
import { SETTINGS } from './settings.ts'
import { withSystem } from './with-system.ts'

/**
 * A rush as heavy as this share of what the gateway could take at most: several times the steady rate, and nobody is
 * refused.
 */
const PEAK_SHARE = 0.6

/** Everything from nothing to figures, shown as it goes: a list on a terminal, plain lines elsewhere. */
export async function runBench(options: BenchOptions, signal: AbortSignal): Promise<BenchRun> {
  const run: BenchRun = {
    format: 1,
    at: new Date().toISOString(),
    commit: commit(),
    machine: describeMachine(),
    versions: {},
    options,
    settings: SETTINGS,
    rounds: Array.from({ length: options.rounds }, () => ({ measures: {} })),
    peak: [],
    sales: [],
    unexpected: [],
  }
  await withSystem(options, { say: console.error }, async (bench) => {
    run.versions = await versions(bench.system.env)
    await new Listr(tasks(bench, run, signal), {
      registerSignalListeners: false,
      rendererOptions: { collapseSubtasks: false },
    }).run()
    run.unexpected = [...bench.unexpected, ...bench.system.deaths]
  })
  return run
}

function tasks(bench: Bench, run: BenchRun, signal: AbortSignal): ListrTask[] {
  const all: ListrTask[] = [
    ...run.rounds.map(
      (round, i): ListrTask => ({
        title: `Round ${i + 1} of ${run.rounds.length}`,
        task: (_, task) => task.newListr(roundTasks(bench, round).map((step) => unlessStopped(step, signal))),
      }),
    ),
    {
      title: 'A peak and a steady order service',
      task: async () => {
        run.peak = await watchPeak(bench, PEAK_SHARE * lastCeiling(run.rounds))
      },
    },
    {
      title: 'Audit',
      task: async () => {
        run.sales = await auditSales(bench)
      },
    },
  ]
  return all.map((task) => unlessStopped(task, signal))
}

/** Asked to stop, what has begun comes to its end and nothing else begins. */
function unlessStopped(task: ListrTask, signal: AbortSignal): ListrTask {
  return {
    ...task,
    task: (context, wrapper) => {
      signal.throwIfAborted()
      return task.task(context, wrapper)
    },
  }
}

const lastCeiling = (rounds: Round[]) => rounds.at(-1)?.measures.buy?.load.perSecond.accepted ?? 0
