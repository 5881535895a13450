import type { Database, SpreadStage } from '../../core/platform/stores/database.ts'
import { SILENT_SECONDS } from '../../subscribers/frame/share.ts'

/**
 * The stages of a spread backlog, which all processes of the subscriber read from its subscription within a second.
 * What runs goes on by itself in each of them, whoever has set it and died.
 */

/**
 * A process that has been silent for so long has lost its connections, too: what it had in hand is back in its queue.
 */
const GONE_SECONDS = 30

/** @returns over how many queues: those of an interrupted command, if there was one. */
export async function beginSpreading(database: Database, name: string, over: number): Promise<number> {
  const [row] = await database.$queryRaw<{ over: number }[]>`
    UPDATE subscriptions SET spread = 'SPREADING', spread_over = coalesce(spread_over, ${over}) WHERE name = ${name} RETURNING spread_over AS over`
  if (!row) throw new Error(`There is no subscriber "${name}": it has never run`)
  return row.over
}

export async function setStage(database: Database, name: string, stage: SpreadStage): Promise<void> {
  await database.$executeRaw`UPDATE subscriptions SET spread = ${stage}::spread_stage WHERE name = ${name}`
}

/** Whether no process is left that still does what an earlier stage told it to. */
export async function haveAllCome(database: Database, name: string, stage: SpreadStage): Promise<boolean> {
  const [{ behind } = { behind: 1 }] = await database.$queryRaw<{ behind: number }[]>`
    SELECT count(*)::int AS behind FROM subscriber_processes
    WHERE subscriber = ${name} AND spread <> ${stage}::spread_stage AND seen_at > clock_timestamp() - ${GONE_SECONDS} * interval '1 s'`
  return behind === 0
}

export async function endSpreading(database: Database, name: string): Promise<void> {
  await database.$executeRaw`UPDATE subscriptions SET spread_over = NULL WHERE name = ${name} AND spread = 'NONE'`
}

export async function countProcesses(database: Database, name: string): Promise<number> {
  const [{ count } = { count: 0 }] = await database.$queryRaw<{ count: number }[]>`
    SELECT count(*)::int AS count FROM subscriber_processes WHERE subscriber = ${name} AND seen_at > clock_timestamp() - ${SILENT_SECONDS} * interval '1 s'`
  return count
}
