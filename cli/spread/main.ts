/**
 * Usage: npm run spread -- <subscriber> [--over N] [--processes N]
 *   --over N        queues that the backlog is spread over, 2 to 64; 10 when left out
 *   --processes N   processes beside those that run the subscriber anyway, 0 to 64; 1 when left out
 * Exits 0 when the backlog is drained and all is as it was before.
 */
import { z } from 'zod'
import { SPREAD_OVER_MAX } from '../../core/contracts/subscriber-topology.ts'
import { commandLine, numberOf } from '../../core/platform/process/command-line.ts'
import { parseConfig, settings } from '../../core/platform/process/config.ts'
import { connectDatabase, type Database } from '../../core/platform/stores/database.ts'
import { createLog } from '../../core/platform/process/log.ts'
import { visitBroker } from '../../core/platform/rabbit/connection.ts'
import { createDepthReader } from '../../core/platform/rabbit/depth-reader.ts'
import { runningSystem } from '../running-system.ts'
import { startDrainers } from './drainers.ts'
import { showProgress } from './progress.ts'
import { spreadBacklog } from './spread-backlog.ts'
import { countProcesses } from './stages.ts'

const {
  values: given,
  positionals: [name = ''],
} = commandLine({ over: { type: 'string', default: '10' }, processes: { type: 'string', default: '1' } }, [1, 1])
const options = {
  over: numberOf('--over', given.over, [2, SPREAD_OVER_MAX]),
  processes: numberOf('--processes', given.processes, [0, SPREAD_OVER_MAX]),
}

const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())

try {
  process.stdout.write(`${await run(name, options)}\n`)
} catch (error) {
  const reason = error instanceof Error ? error.message : String(error)
  process.stderr.write(
    stop.signal.aborted
      ? 'Stopped before its end. Nothing is lost, and what runs goes on; the same command brings it to its end.\n'
      : `${reason}\n`,
  )
  process.exitCode = 1
}

async function run(name: string, { over, processes }: typeof options): Promise<string> {
  const env = process.env.DATABASE_URL ? process.env : { ...runningSystem(), ...process.env }
  const config = parseConfig(
    z.object({ DATABASE_URL: settings.DATABASE_URL, RABBITMQ_URL: settings.RABBITMQ_URL }),
    env,
  )
  const log = createLog('spread', 'silent')
  const database = connectDatabase(config.DATABASE_URL, { connections: 1, statementTimeoutMs: 5_000 })
  const depths = createDepthReader(config.RABBITMQ_URL)
  const progress = showProgress(process.stdout)
  // Without its connection to the broker it leads no more, and the next command may have begun.
  const left = new AbortController()
  const ending = AbortSignal.any([stop.signal, left.signal])
  try {
    const { partitions, spreadOver } = await subscriptionOf(database, name)
    const atWork = (await countProcesses(database, name)) + processes
    if (atWork === 0) throw new Error(`No process runs ${name}: start some, or give --processes`)
    const own = { SUBSCRIBERS: name, SUBSCRIBERS_PORT: '0', SUBSCRIBER_PARTITIONS: String(partitions) }
    const drainers = startDrainers(processes, { ...env, ...own }, (line) => process.stderr.write(`${line}\n`))
    try {
      await visitBroker(config.RABBITMQ_URL, 'spread', log, (model) =>
        spreadBacklog({ database, model, depths, log, onLook: progress.look, stop: ending }, name, over),
      )
    } finally {
      left.abort()
      await drainers.stop()
    }
    return progress.end(name, spreadOver ?? over, atWork)
  } finally {
    await depths.close()
    await database.$disconnect()
  }
}

async function subscriptionOf(database: Database, name: string) {
  const found = await database.subscription.findUnique({ where: { name } })
  if (found) return found
  const known = await database.subscription.findMany({ orderBy: { name: 'asc' } })
  throw new Error(
    `Nobody has subscribed as ${name}; there are ${known.map((subscription) => subscription.name).join(', ')}`,
  )
}
