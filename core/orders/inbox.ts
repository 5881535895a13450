import type { OrderEvent, OrderEventType } from '../contracts/messages.ts'
import type { Follows } from '../contracts/subscriber-topology.ts'
import { groupBy } from '../platform/batches/divide.ts'
import type { Database, Transaction } from '../platform/stores/database.ts'

/** What a subscriber has handled: every event once, and the events of one order one after another. */

/** A subscriber, and since when it is owed events. */
export interface Subscription {
  name: string
  since: Date
  partitions: number
  follows: string
}

/** What a subscriber is owed; as long as it has not handled it, no sale is archived. */
export interface Interest {
  follows: Follows
  /** Events that it enters in the inbox; of one that follows orders, all are entered. */
  entered: readonly OrderEventType[]
}

/**
 * To be called once the queues are bound: orders placed after that have all of their events in them. @param partitions
 * of a new one; one that exists keeps its number
 */
export async function subscribe(
  database: Database,
  name: string,
  partitions: number,
  { follows, entered }: Interest,
): Promise<Subscription> {
  await database.$executeRaw`
    INSERT INTO subscriptions (name, partitions, follows, entered) VALUES (${name}, ${partitions}, ${follows}, ${entered})
    ON CONFLICT (name) DO UPDATE SET follows = excluded.follows, entered = excluded.entered`
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

/** Held by those that delete entries, so that two of them cannot deadlock. */
const DELETING_LOCK = 7_350_005

export async function waitToDelete(tx: Transaction): Promise<void> {
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(${DELETING_LOCK})`
}

/** Does not wait: the archiver takes minutes. */
export async function mayDelete(tx: Transaction): Promise<boolean> {
  const [row] = await tx.$queryRaw<{ locked: boolean }[]>`SELECT pg_try_advisory_xact_lock(${DELETING_LOCK}) AS locked`
  return row?.locked === true
}

/** The order; a reservation that became none has no other event. */
const keyOf = ({ orderId, eventId }: OrderEvent) => orderId ?? eventId

/**
 * Tells the events whose turn it is from those that came too early. Repeats are ready: the inbox knows them. Events of
 * archived sales are dropped: a sale is archived once every subscriber has handled all of its events.
 */
export async function inSequence(
  tx: Transaction,
  { name, since, follows }: Subscription,
  events: OrderEvent[],
): Promise<Sequenced> {
  const handled = await readHandled(tx, name, [...new Set(events.map(keyOf))])
  // Read after that: what is forgotten or archived in between is known to be.
  const { remembersFrom, archived } = await readMemory(tx, name, events)
  const sequenced: Sequenced = { ready: [], early: [], forgotten: [] }
  const isOlderThan = (time: string, date: Date | null) => date !== null && Date.parse(time) <= date.getTime()
  for (const event of events.toSorted((one, other) => one.sequence - other.sequence)) {
    const { saleId, sequence, orderedAt, at } = event
    if (archived.includes(saleId)) continue
    const ofOrder = handled.get(keyOf(event)) ?? new Set()
    const known = Math.max(0, ...ofOrder)
    if (!ofOrder.has(sequence) && (known === 0 || sequence < known) && isOlderThan(at, remembersFrom)) {
      sequenced.forgotten.push(event)
      continue
    }
    // The first events of an order that is older than the subscription, or than its memory, will not come.
    const last = known || (isOlderThan(orderedAt, since) || isOlderThan(orderedAt, remembersFrom) ? sequence - 1 : 0)
    if (follows !== 'events' && sequence > last + 1) {
      sequenced.early.push(event)
      continue
    }
    sequenced.ready.push(event)
    handled.set(keyOf(event), ofOrder.add(sequence))
  }
  return sequenced
}

/** The sequence numbers of handled events, by order. Its join with the lock is what takes the lock. */
async function readHandled(tx: Transaction, name: string, orderIds: string[]): Promise<Map<string, Set<number>>> {
  const rows = await tx.$queryRaw<{ orderId: string | null; sequence: number }[]>`
    WITH lock AS MATERIALIZED (SELECT pg_advisory_xact_lock_shared(${ARCHIVE_LOCK}))
    SELECT order_id AS "orderId", sequence
    FROM lock LEFT JOIN inbox ON purpose = ${name} AND order_id = ANY(${orderIds}::uuid[])`
  const known = rows.flatMap(({ orderId, sequence }) => (orderId === null ? [] : [{ orderId, sequence }]))
  const ofOrders = groupBy(known, ({ orderId }) => orderId)
  return new Map([...ofOrders].map(([orderId, entries]) => [orderId, new Set(entries.map(({ sequence }) => sequence))]))
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

/**
 * Enters the events in the inbox and returns those that were not there, whose effect belongs in this same transaction.
 * Waits for another transaction that enters the same one: if that commits, the event is a repeat here.
 */
export async function enterInbox(tx: Transaction, purpose: string, events: OrderEvent[]): Promise<OrderEvent[]> {
  if (events.length === 0) return []
  // Sorted, so that concurrent batches cannot deadlock.
  const entered = await tx.$queryRaw<{ eventId: string }[]>`
    INSERT INTO inbox (purpose, order_id, sequence, event_id)
    SELECT ${purpose}, *
    FROM unnest(
      ${events.map(keyOf)}::uuid[], ${events.map(({ sequence }) => sequence)}::int[],
      ${events.map(({ eventId }) => eventId)}::uuid[]
    ) AS entry (order_id, sequence, event_id)
    ORDER BY order_id, sequence
    ON CONFLICT DO NOTHING RETURNING event_id AS "eventId"`
  const fresh = new Set(entered.map(({ eventId }) => eventId))
  // Of an event that is twice in the batch the first is kept.
  return events.filter(({ eventId }) => fresh.delete(eventId))
}
