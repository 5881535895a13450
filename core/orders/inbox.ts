import type { OrderEvent } from '../contracts/messages.ts'
import type { Database, Transaction } from '../platform/stores/database.ts'

/** What a subscriber has handled: every event once, and the events of one order one after another. */

/** A subscriber, and since when it is owed events. */
export interface Subscription {
  name: string
  since: Date
  partitions: number
}

/**
 * To be called once the queues are bound: orders placed after that have all of their events in them. @param partitions of
 * a new one; one that exists keeps its number
 */
export async function subscribe(database: Database, name: string, partitions: number): Promise<Subscription> {
  await database.$executeRaw`
    INSERT INTO subscriptions (name, partitions) VALUES (${name}, ${partitions}) ON CONFLICT (name) DO NOTHING`
  return database.subscription.findUniqueOrThrow({ where: { name } })
}

export interface Sequenced {
  /** Their predecessors were handled, or stand before them here. In the order in which they are to be handled. */
  ready: OrderEvent[]
  /** A predecessor is missing. */
  early: OrderEvent[]
  /** So old that the record of whether they were handled is deleted. */
  forgotten: OrderEvent[]
}

/**
 * Shared by the transactions of subscribers, exclusive to the archiver before its commit: an event that is handled
 * again while its inbox rows move away would have its effect a second time.
 */
const ARCHIVE_LOCK = 7_350_004

/** What the transaction has moved is not read by subscribers that began before it commits. */
export async function waitForSubscribers(tx: Transaction): Promise<void> {
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(${ARCHIVE_LOCK})`
}

/**
 * Tells the events whose turn it is from those that came too early. Repeats are ready: the inbox knows them. Events of
 * archived sales are dropped: a sale is archived once every subscriber has handled all of its events.
 */
export async function inSequence(
  tx: Transaction,
  { name, since }: Subscription,
  events: OrderEvent[],
): Promise<Sequenced> {
  const orderIds = events.flatMap(({ orderId }) => orderId ?? [])
  const handled = await readProgress(tx, name, orderIds)
  // Read after the progress: what is forgotten or archived in between is known to be.
  const { remembersFrom, archived } = await readMemory(tx, name, events)
  const sequenced: Sequenced = { ready: [], early: [], forgotten: [] }
  const isOlderThan = (time: string, date: Date | null) => date !== null && Date.parse(time) <= date.getTime()
  for (const event of events.toSorted((one, other) => one.sequence - other.sequence)) {
    const { orderId, saleId, sequence, orderedAt, at } = event
    if (archived.includes(saleId)) continue
    const known = handled.get(orderId ?? '')
    if (known === undefined && isOlderThan(at, remembersFrom)) {
      sequenced.forgotten.push(event)
      continue
    }
    // The first events of an order that is older than the subscription, or than its memory, will not come.
    const last = known ?? (isOlderThan(orderedAt, since) || isOlderThan(orderedAt, remembersFrom) ? sequence - 1 : 0)
    if (orderId !== null && sequence > last + 1) {
      sequenced.early.push(event)
      continue
    }
    sequenced.ready.push(event)
    if (orderId !== null) handled.set(orderId, Math.max(last, sequence))
  }
  return sequenced
}

/** The sequence of the newest handled event, by order. Its join with the lock is what takes the lock. */
async function readProgress(tx: Transaction, name: string, orderIds: string[]): Promise<Map<string, number>> {
  const rows = await tx.$queryRaw<{ orderId: string | null; sequence: number }[]>`
    WITH lock AS MATERIALIZED (SELECT pg_advisory_xact_lock_shared(${ARCHIVE_LOCK}))
    SELECT order_id AS "orderId", sequence
    FROM lock LEFT JOIN order_progress ON subscriber = ${name} AND order_id = ANY(${orderIds}::uuid[])`
  return new Map(rows.flatMap(({ orderId, sequence }) => (orderId === null ? [] : [[orderId, sequence]])))
}

async function readMemory(
  tx: Transaction,
  name: string,
  events: OrderEvent[],
): Promise<{ remembersFrom: Date | null; archived: string[] }> {
  const saleIds = [...new Set(events.map(({ saleId }) => saleId))]
  const [memory] = await tx.$queryRaw<{ remembersFrom: Date | null; archived: string[] }[]>`
    SELECT remembers_from AS "remembersFrom", ARRAY(SELECT id FROM archive.sales WHERE id = ANY(${saleIds})) AS archived
    FROM subscriptions WHERE name = ${name}`
  if (!memory) throw new Error(`There is no subscription "${name}"`)
  return memory
}

/** Writes down how far the subscriber has come with the orders of these events. */
export async function advance(tx: Transaction, { name }: Subscription, events: OrderEvent[]): Promise<void> {
  const newest = new Map<string, number>()
  for (const { orderId, sequence } of events)
    if (orderId !== null) newest.set(orderId, Math.max(sequence, newest.get(orderId) ?? 0))
  if (newest.size === 0) return
  // Sorted, here and below, so that concurrent batches cannot deadlock.
  await tx.$executeRaw`
    INSERT INTO order_progress (subscriber, order_id, sequence)
    SELECT ${name}, order_id, sequence
    FROM unnest(${[...newest.keys()]}::uuid[], ${[...newest.values()]}::int[]) AS newest (order_id, sequence)
    ORDER BY order_id
    ON CONFLICT (subscriber, order_id) DO UPDATE
      SET sequence = greatest(order_progress.sequence, excluded.sequence), advanced_at = now()`
}

/**
 * Enters the events in the inbox and returns those that were not there, whose effect belongs in this same transaction.
 * Waits for another transaction that enters the same one: if that commits, the event is a repeat here.
 */
export async function enterInbox(tx: Transaction, purpose: string, events: OrderEvent[]): Promise<OrderEvent[]> {
  if (events.length === 0) return []
  const [eventIds, orderIds, sequences] = [
    events.map((event) => event.eventId),
    events.map((event) => event.orderId),
    events.map((event) => event.sequence),
  ]
  const entered = await tx.$queryRaw<{ eventId: string }[]>`
    INSERT INTO inbox (purpose, event_id, order_id, sequence)
    SELECT ${purpose}, *
    FROM unnest(${eventIds}::uuid[], ${orderIds}::uuid[], ${sequences}::int[]) AS entry (event_id, order_id, sequence)
    ORDER BY event_id
    ON CONFLICT DO NOTHING RETURNING event_id AS "eventId"`
  const fresh = new Set(entered.map(({ eventId }) => eventId))
  // Of an event that is twice in the batch the first is kept.
  return events.filter(({ eventId }) => fresh.delete(eventId))
}
