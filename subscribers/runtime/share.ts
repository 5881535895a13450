import { SILENT_SECONDS } from '../../core/contracts/subscriber-topology.ts'
import type { Database } from '../../core/platform/stores/database.ts'

/** One process that runs one subscriber. */
export interface Member {
  id: string
  subscriber: string
}

/** What all processes of a subscriber read alike. */
export interface Share {
  /** The index of this process among them. */
  place: number
  processes: number
  partitions: number
  /** The number of partitions that the backlog is being moved to; null when it is not. */
  spreadOver: number | null
}

/**
 * Reports that this process is alive, and reads which others are: one list for all, by the clock of the database. One
 * statement, each second.
 */
export async function takeShare(database: Database, { id, subscriber }: Member): Promise<Share> {
  const [row] = await database.$queryRaw<{ alive: string[]; partitions: number; spreadOver: number | null }[]>`
    WITH me AS (
      INSERT INTO subscriber_processes (id, subscriber) VALUES (${id}::uuid, ${subscriber})
      ON CONFLICT (id) DO UPDATE SET seen_at = clock_timestamp() RETURNING id, joined_at
    ), alive AS (
      SELECT id, joined_at FROM subscriber_processes
      WHERE subscriber = ${subscriber} AND id <> ${id}::uuid AND seen_at > clock_timestamp() - ${SILENT_SECONDS} * interval '1 s'
      UNION ALL SELECT id, joined_at FROM me
    )
    SELECT (SELECT array_agg(id::text ORDER BY joined_at, id) FROM alive) AS alive, partitions, spread_over AS "spreadOver"
    FROM subscriptions WHERE name = ${subscriber}`
  if (!row) throw new Error(`There is no subscription ${subscriber}; expected the one that its start has made`)
  const { alive, partitions, spreadOver } = row
  return { place: alive.indexOf(id), processes: alive.length, partitions, spreadOver }
}

/** Spares the other processes the wait until this one counts as gone. */
export async function leave(database: Database, id: string): Promise<void> {
  await database.$executeRaw`DELETE FROM subscriber_processes WHERE id = ${id}::uuid`
}
