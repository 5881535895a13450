import type { Database } from '../platform/stores/database.ts'

/**
 * Deletes progress and inbox rows of events that subscribers handled more than `days` ago: of an order all at once,
 * when its newest event is that old. The subscription keeps the time from which on it remembers, so that no earlier
 * event is handled a second time.
 * @returns how many orders and entries were forgotten, at most `most` of each.
 */
export async function forgetHandled(database: Database, days: number, most: number): Promise<number> {
  return await database.$transaction(async (tx) => {
    const [{ limit } = { limit: new Date(0) }] = await tx.$queryRaw<
      { limit: Date }[]
    >`SELECT now() - ${days} * interval '1 day' AS limit`
    const [{ forgotten } = { forgotten: 0 }] = await tx.$queryRaw<{ forgotten: number }[]>`
      WITH old AS (
        SELECT subscriber, order_id FROM order_progress WHERE advanced_at < ${limit}
        ORDER BY advanced_at LIMIT ${most} FOR UPDATE SKIP LOCKED
      ), orders_gone AS (
        DELETE FROM order_progress p USING old WHERE p.subscriber = old.subscriber AND p.order_id = old.order_id
        RETURNING p.subscriber AS name, p.advanced_at AS at
      ), entries_gone AS (
        DELETE FROM inbox i USING old WHERE i.purpose = old.subscriber AND i.order_id = old.order_id
      ), rejections_gone AS (
        DELETE FROM inbox WHERE (purpose, event_id) IN (
          SELECT purpose, event_id FROM inbox WHERE order_id IS NULL AND handled_at < ${limit}
          ORDER BY handled_at LIMIT ${most} FOR UPDATE SKIP LOCKED
        ) RETURNING purpose AS name, handled_at AS at
      ), gone AS (
        SELECT name, max(at) AS at FROM (TABLE orders_gone UNION ALL TABLE rejections_gone) AS each GROUP BY name
      ), remembered AS (
        UPDATE subscriptions s SET remembers_from = greatest(s.remembers_from, gone.at)
        FROM gone WHERE s.name = gone.name
      )
      SELECT greatest((SELECT count(*) FROM orders_gone), (SELECT count(*) FROM rejections_gone))::int AS forgotten`
    return forgotten
  })
}

/** Deletes subscriber processes that ended without signing off. */
export async function forgetProcesses(database: Database): Promise<void> {
  await database.$executeRaw`DELETE FROM subscriber_processes WHERE seen_at < clock_timestamp() - interval '1 hour'`
}
