import { Redis } from 'ioredis'
import { Listr, type ListrTask } from 'listr2'
import { Stock } from '../../core/stock/stock.ts'
import { RunRecord } from '../../dev/run-file.ts'
import { makeScratchFolder, removeScratchFolder, sweepScratchFolders } from '../../dev/scratch-folder.ts'
import { ensureBinaries } from '../../dev/servers/binaries.ts'
import type { Bench } from './context.ts'
import { ControlRoom } from './control-room.ts'
import { commit, describeMachine, versions } from './describe-machine.ts'
import { auditSales } from './final-audit.ts'
import { Generator } from './generator.ts'
import { watchPeak } from './measures/peak.ts'
import { NaiveShop } from './naive-shop.ts'
import { startProgram } from './program.ts'
import type { BenchOptions, BenchRun, Round } from './results.ts'
import { roundTasks } from './rounds.ts'
import { SETTINGS } from './settings.ts'
import { startSystem } from './system.ts'

/** A rush as heavy as this share of what it could take at most, for the picture of the peak. */
const PEAK_SHARE = 0.6
/** RedisKEY_PREFIX's default. */
const KEY_PREFIX = 'seckill:'

/** Everything from nothing to figures, shown as it goes; whatever happens, it stops what it has started. */
export async function runBench(options: BenchOptions, signal: AbortSignal): Promise<BenchRun> {
  const rounds = Array.from({ length: options.rounds }, (): Round => ({ measures: {} }))
  const run: BenchRun = {
    format: 1, at: new Date().toISOString(), commit: commit(), machine: describeMachine(), versions: {},
    options, settings: SETTINGS, rounds, peak: [], sales: [], unexpected: [],
  }
  const opened: (() => Promise<void> | void)[] = []
  let bench: Bench | undefined
  const running = () => bench ?? fail('The system is not there.')
  const tasks: ListrTask[] = [
    { title: 'Start', task: async (_, task) => { bench = await open(options, run, opened, (line) => { task.output = line }) } },
    ...rounds.map((round, i): ListrTask => ({
      title: `Round ${i + 1} of ${options.rounds}`,
      task: (_, task) => task.newListr(roundTasks(running(), round).map((step) => unlessStopped(step, signal))),
    })),
    { title: 'A peak and a steady order service', task: async () => { run.peak = await watchPeak(running(), PEAK_SHARE * lastCeiling(rounds)) } },
    { title: 'Audit', task: async (_, task) => { run.sales = await auditSales(running(), (line) => { task.output = line }) } },
  ]
  try {
    await new Listr(tasks.map((task) => unlessStopped(task, signal)), {
      registerSignalListeners: false, rendererOptions: { collapseSubtasks: false },
    }).run()
    run.unexpected.push(...running().system.deaths)
    return run
  } finally {
    for (const close of opened.toReversed()) await close()
  }
}

async function open(options: BenchOptions, run: BenchRun, opened: (() => Promise<void> | void)[], say: (line: string) => void): Promise<Bench> {
  await ensureBinaries(say)
  await sweepScratchFolders()
  const folder = await makeScratchFolder()
  opened.push(() => removeScratchFolder(folder))
  const record = await RunRecord.claim(folder)
  const system = await startSystem(folder, record.started.bind(record), say)
  opened.push(system.stop)
  run.versions = await versions(system.env)

  const naive = await NaiveShop.open(system)
  opened.push(() => naive.close())
  const hello = await startProgram(system.launch, 'hello', 'loadtest/bench/hello.ts', { PATH: system.env.PATH ?? '' })
  opened.push(hello.stop)
  const generator = new Generator(system.env.TOKEN_SECRET ?? '')
  opened.push(() => generator.stop())
  const redis = new Redis(system.env.REDIS_URL ?? '')
  opened.push(() => redis.disconnect())
  return {
    options, system, naive, hello, generator, controlRoom: new ControlRoom(system.env), stock: new Stock(redis, KEY_PREFIX),
    accepted: new Map(), unexpected: run.unexpected,
  }
}

/** Asked to stop, what has begun comes to its end and nothing else begins. */
function unlessStopped(task: ListrTask, signal: AbortSignal): ListrTask {
  const work = task.task
  return {
    ...task,
    task: (context, wrapper) => {
      signal.throwIfAborted()
      return work(context, wrapper)
    },
  }
}

const lastCeiling = (rounds: Round[]) => rounds.at(-1)?.measures.buyWriting?.load.perSecond.accepted ?? 0

function fail(sentence: string): never {
  throw new Error(sentence)
}
