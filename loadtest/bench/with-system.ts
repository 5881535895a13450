import { Redis } from 'ioredis'
import { Stock } from '../../core/stock/stock.ts'
import { RunRecord } from '../../dev/run-file.ts'
import { makeScratchFolder, removeScratchFolder, sweepScratchFolders } from '../../dev/scratch-folder.ts'
import { ensureBinaries } from '../../dev/servers/binaries.ts'
import type { Bench } from './context.ts'
import { ControlRoom } from './control-room.ts'
import { Generator } from './generator.ts'
import { warmUpSeconds } from './measure.ts'
import { NaiveShop } from './naive-shop.ts'
import { startProgram } from './program.ts'
import type { BenchOptions } from './results.ts'
import { startSystem } from './system.ts'

/** REDIS_KEY_PREFIX's default. */
const KEY_PREFIX = 'seckill:'

export interface Around {
  say: (line: string) => void
  /** On top of what the gateways get anyway. */
  gatewayEnv?: Record<string, string>
}

/** Starts everything a bench needs in a scratch folder, and stops it again whatever happens. */
export async function withSystem<Result>(
  options: BenchOptions,
  around: Around,
  work: (bench: Bench) => Promise<Result>,
): Promise<Result> {
  const opened: (() => Promise<void> | void)[] = []
  try {
    return await work(await open(options, around, opened))
  } finally {
    for (const close of opened.toReversed()) await close()
  }
}

async function open(
  options: BenchOptions,
  { say, gatewayEnv = {} }: Around,
  opened: (() => Promise<void> | void)[],
): Promise<Bench> {
  await ensureBinaries(say)
  await sweepScratchFolders()
  const folder = await makeScratchFolder()
  opened.push(() => removeScratchFolder(folder))
  const record = await RunRecord.claim(folder)
  const system = await startSystem({ folder, record: record.started.bind(record), say, gatewayEnv })
  opened.push(system.stop)

  const naive = await NaiveShop.open(system)
  opened.push(() => naive.close())
  const hello = await startProgram(system.launch, 'hello', 'loadtest/bench/hello.ts', { PATH: system.env.PATH ?? '' })
  opened.push(hello.stop)
  const generator = new Generator(system.env.TOKEN_SECRET ?? '', options.seconds + warmUpSeconds(options))
  opened.push(() => generator.stop())
  const redis = new Redis(system.env.REDIS_URL ?? '')
  opened.push(() => redis.disconnect())
  return {
    options,
    system,
    naive,
    hello,
    generator,
    controlRoom: new ControlRoom(system.env),
    stock: new Stock(redis, KEY_PREFIX),
    accepted: new Map(),
    unexpected: [],
  }
}
