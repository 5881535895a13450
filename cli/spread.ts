/**
 * Usage: npm run spread -- <subscriber> [--over N]
 *   --over N   partitions that it has from then on, 1 to 64; 10 when left out
 * Moves what waits for a stopped subscriber to another number of partitions. Interrupted, it is finished by the same
 * command; until then the subscriber does not start.
 */
import type { ChannelModel } from 'amqplib'
import { z } from 'zod'
import {
  BACKLOG_BOUND,
  PARTITIONS_MAX,
  SILENT_SECONDS,
  subscriberQueues,
} from '../core/contracts/subscriber-topology.ts'
import { commandLine, numberOf } from '../core/platform/process/command-line.ts'
import { parseConfig, settings } from '../core/platform/process/config.ts'
import { createLog } from '../core/platform/process/log.ts'
import { visitBroker } from '../core/platform/rabbit/visit-broker.ts'
import { connectDatabase } from '../core/platform/stores/connect-database.ts'
import type { Database, Transaction } from '../core/platform/stores/database.ts'
import { isOutage } from '../core/platform/stores/outage.ts'
import { moveBacklog } from './move-backlog.ts'
import { runningSystem } from './running-system.ts'

const {
  values,
  positionals: [name = ''],
} = commandLine({ over: { type: 'string', default: '10' } }, [1, 1])
const over = numberOf('--over', values.over, [1, PARTITIONS_MAX])

try {
  process.stdout.write(`${await run()}\n`)
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  if (isOutage(error))
    process.stderr.write('PostgreSQL did not answer in time; nothing is lost. Run the command again.\n')
  process.exitCode = 1
}

async function run(): Promise<string> {
  const config = parseConfig(
    z.object({ DATABASE_URL: settings.DATABASE_URL, RABBITMQ_URL: settings.RABBITMQ_URL }),
    process.env.DATABASE_URL ? process.env : { ...runningSystem(), ...process.env },
  )
  const log = createLog('spread', 'silent')
  const database = connectDatabase(config.DATABASE_URL, { connections: 1, statementTimeoutMs: 5_000 })
  try {
    return await visitBroker(config.RABBITMQ_URL, 'spread', log, async (model) => {
      const { from, to } = await claim(database, model)
      if (from === to) return `${name} has ${to} partitions already.`
      const moved = await moveBacklog({ model, log, name, from, to })
      await database.subscription.update({ where: { name }, data: { partitions: to, spreadOver: null } })
      return `${moved} messages moved: ${name} has ${to} partitions now, instead of ${from}.`
    })
  } finally {
    await database.$disconnect()
  }
}

/** From then on no process of the subscriber starts. @throws when one is alive, or the backlog would not fit */
async function claim(database: Database, model: ChannelModel): Promise<{ from: number; to: number }> {
  return await database.$transaction(async (tx) => {
    // A process that starts now registers before this, and is found, or after it, and waits.
    await tx.$executeRaw`LOCK TABLE subscriber_processes IN SHARE MODE`
    await tx.$queryRaw`SELECT name FROM subscriptions WHERE name = ${name} FOR UPDATE`
    const subscription = await tx.subscription.findUnique({ where: { name } })
    if (!subscription) throw new Error(`No subscriber is named ${name}; there are ${await namesOf(tx)}`)
    const { partitions: from, spreadOver } = subscription
    const { consumers, messages } = await stateOf(model, from)
    if (consumers > 0 || (await countProcesses(tx)) > 0)
      throw new Error(`A process of ${name} is alive, or was until ${SILENT_SECONDS} s ago; stop all of them first`)
    const to = spreadOver ?? over
    if (messages > (to * BACKLOG_BOUND.items) / 2)
      throw new Error(`${messages} messages wait, too many for ${to} partitions`)
    if (from !== to) await tx.subscription.update({ where: { name }, data: { spreadOver: to } })
    return { from, to }
  })
}

async function countProcesses(tx: Transaction): Promise<number> {
  const [row] = await tx.$queryRaw<{ count: number }[]>`
    SELECT count(*)::int AS count FROM subscriber_processes
    WHERE subscriber = ${name} AND seen_at > clock_timestamp() - ${SILENT_SECONDS} * interval '1 s'`
  return row?.count ?? 0
}

async function namesOf(tx: Transaction): Promise<string> {
  const all = await tx.subscription.findMany({ orderBy: { name: 'asc' } })
  return all.map((subscription) => subscription.name).join(', ')
}

/** The broker knows the consumers of a process that is cut off from PostgreSQL, and those of another `spread`. */
async function stateOf(model: ChannelModel, partitions: number): Promise<{ consumers: number; messages: number }> {
  const state = { consumers: 0, messages: 0 }
  for (const queue of subscriberQueues(name, partitions, []).partitions) {
    // A check of a queue that does not exist closes its channel.
    const channel = await model.createChannel()
    channel.on('error', () => {
      /* The rejected check says the same. */
    })
    const found = await channel.checkQueue(queue).catch((error: { code?: number }) => {
      if (error.code !== 404) throw error
    })
    if (!found) continue
    state.consumers += found.consumerCount
    state.messages += found.messageCount
    await channel.close()
  }
  return state
}
