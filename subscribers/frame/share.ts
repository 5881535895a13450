import type { Database, SpreadStage } from '../../core/platform/stores/database.ts'

/**
 * After so long a silence a process has no share. It need not be short: who stands in line behind one that died is
 * active at once.
 */
export const SILENT_SECONDS = 10

/** One process that runs one subscriber. */
export interface Member {
  id: string
  subscriber: string
  /** The stage that it has adapted itself to. */
  spread: SpreadStage
}

/** What all processes of a subscriber are told alike. */
export interface Share {
  /** Of how many processes this is which one, from 0. */
  place: number
  processes: number
  /** Where the spreading of a backlog has come to, and over how many queues. */
  spread: SpreadStage
  spreadOver: number | null
}

/**
 * Says that this process is here, and asks who else is: one list for everybody, by one clock. One statement, each
 * second.
 */
export async function takeShare(database: Database, { id, subscriber, spread }: Member): Promise<Share> {
  const [row] = await database.$queryRaw<{ here: string[]; spread: SpreadStage; spreadOver: number | null }[]>`
    WITH me AS (
      INSERT INTO subscriber_processes (id, subscriber, spread) VALUES (${id}::uuid, ${subscriber}, ${spread}::spread_stage)
      ON CONFLICT (id) DO UPDATE SET seen_at = clock_timestamp(), spread = excluded.spread RETURNING id, joined_at
    ), here AS (
      SELECT id, joined_at FROM subscriber_processes
      WHERE subscriber = ${subscriber} AND id <> ${id}::uuid AND seen_at > clock_timestamp() - ${SILENT_SECONDS} * interval '1 s'
      UNION ALL SELECT id, joined_at FROM me
    )
    SELECT (SELECT array_agg(id::text ORDER BY joined_at, id) FROM here) AS here, spread::text, spread_over AS "spreadOver"
    FROM subscriptions WHERE name = ${subscriber}`
  if (!row) throw new Error(`There is no subscription ${subscriber}; expected the one that its start has made`)
  return { place: row.here.indexOf(id), processes: row.here.length, spread: row.spread, spreadOver: row.spreadOver }
}

/** The others need not wait until it is missed. */
export async function leave(database: Database, id: string): Promise<void> {
  await database.$executeRaw`DELETE FROM subscriber_processes WHERE id = ${id}::uuid`
}
