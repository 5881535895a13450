import type { Database } from '../platform/stores/database.ts'
import { mayDelete } from './inbox.ts'

/**
 * Deletes inbox rows of events that subscribers handled more than `days` ago: of an order all at once, when its newest
 * event is that old. The subscription keeps the time from which on it remembers, so that no earlier event is handled a
 * second time.
 * @returns how many rows were deleted; `most` or some more while there are more
 */
export async function forgetHandled(database: Database, days: number, most: number): Promise<number> {
  return await database.$transaction(async (tx) => {
    if (!(await mayDelete(tx))) return 0
    const [{ forgotten } = { forgotten: 0 }] = await tx.$queryRaw<{ forgotten: number }[]>`
      WITH old AS (
        SELECT DISTINCT purpose, order_id FROM (
          SELECT purpose, order_id FROM inbox i WHERE handled_at < now() - ${days} * interval '1 day' AND NOT EXISTS (
            SELECT FROM inbox newer WHERE newer.purpose = i.purpose AND newer.order_id = i.order_id
              AND newer.handled_at >= now() - ${days} * interval '1 day'
          ) ORDER BY handled_at LIMIT ${most}
        ) AS oldest
      ), gone AS (
        DELETE FROM inbox i USING old WHERE i.purpose = old.purpose AND i.order_id = old.order_id
        RETURNING i.purpose AS name, i.handled_at AS at
      ), remembered AS (
        UPDATE subscriptions s SET remembers_from = greatest(s.remembers_from, newest.at)
        FROM (SELECT name, max(at) AS at FROM gone GROUP BY name) AS newest WHERE s.name = newest.name
      )
      SELECT count(*)::int AS forgotten FROM gone`
    return forgotten
  })
}

/** Deletes subscriber processes that ended without signing off. */
export async function forgetProcesses(database: Database): Promise<void> {
  await database.$executeRaw`DELETE FROM subscriber_processes WHERE seen_at < clock_timestamp() - interval '1 hour'`
}
