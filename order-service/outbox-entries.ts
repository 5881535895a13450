import type { OutboxMessage } from '../core/orders/outbox.ts'
import type { Database, Transaction } from '../core/platform/stores/database.ts'

/** The messages of one transaction: a row for each would cost more than the orders that they are about. */
export interface OutboxEntry {
  id: bigint
  messages: OutboxMessage[]
}

/** Back-off of an entry of which the broker has refused a message. */
const REFUSED_BACKOFF_MS = 5_000

/**
 * Whether anything is to be published now. Checked first: it takes one statement where the relay's transaction takes
 * four.
 */
export async function isOutboxDue(database: Database): Promise<boolean> {
  const [found] = await database.$queryRaw<{ due: boolean }[]>`
    SELECT EXISTS (
      SELECT FROM outbox WHERE refused_at IS NULL OR refused_at < now() - ${REFUSED_BACKOFF_MS} * interval '1 ms'
    ) AS due`
  return found?.due === true
}

/** One relay at a time: two would overtake each other, and an order's events must be published in their order. */
const RELAY_LOCK = 7_350_001

/**
 * The oldest entries, up to the one that makes their messages `most`, locked until the transaction ends; none while
 * another relay is at work. Entries that were refused come last: a full queue must not delay the messages for other
 * queues. The lock is taken in a statement of its own, because the snapshot of a statement is older than its locks.
 */
export async function lockOldestEntries(tx: Transaction, most: number): Promise<OutboxEntry[]> {
  const [lock] = await tx.$queryRaw<{ locked: boolean }[]>`SELECT pg_try_advisory_xact_lock(${RELAY_LOCK}) AS locked`
  if (!lock?.locked) return []
  return tx.$queryRaw<OutboxEntry[]>`
    SELECT id, messages FROM (
      SELECT id, messages, refused_at, sum(size) OVER (ORDER BY refused_at NULLS FIRST, id) - size AS before
      FROM (
        (SELECT * FROM outbox WHERE refused_at IS NULL ORDER BY id LIMIT ${most})
        UNION ALL
        (SELECT * FROM outbox WHERE refused_at < now() - ${REFUSED_BACKOFF_MS} * interval '1 ms'
          ORDER BY refused_at, id LIMIT ${most})
      ) AS due
    ) AS counted WHERE before < ${most} ORDER BY refused_at NULLS FIRST, id`
}

export async function deleteEntries(tx: Transaction, ids: bigint[]): Promise<void> {
  if (ids.length > 0) await tx.$executeRaw`DELETE FROM outbox WHERE id = ANY(${ids}::bigint[])`
}

/** The messages of an entry that are still to be published. */
export interface OutboxRest extends OutboxEntry {
  /** The broker has refused some of them: they are published again after a back-off. */
  isRefused: boolean
}

/** Leaves in entries what is still to be published. One statement: a full queue may refuse a thousand in one run. */
export async function shrinkEntries(tx: Transaction, rests: OutboxRest[]): Promise<void> {
  if (rests.length === 0) return
  const rows = JSON.stringify(
    rests.map(({ id, messages, isRefused }) => ({
      id: Number(id),
      size: messages.length,
      messages,
      refused: isRefused,
    })),
  )
  await tx.$executeRaw`
    UPDATE outbox SET size = rest.size, messages = rest.messages,
      refused_at = CASE WHEN rest.refused THEN now() ELSE refused_at END
    FROM json_to_recordset(${rows}::json) AS rest(id bigint, size int, messages json, refused boolean)
    WHERE outbox.id = rest.id`
}
