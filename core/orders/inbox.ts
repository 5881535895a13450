import type { OrderEvent } from '../contracts/messages.ts'
import type { Database, Transaction } from '../platform/stores/database.ts'

/** What a subscriber has handled: every event once, and the events of one order one after another. */

/** Whose events, and since when it is owed them. */
export interface Subscription {
  name: string
  since: Date
}

/** To be asked once the queues are bound: orders placed after that have all of their events in them. */
export async function subscribe(database: Database, name: string, partitions: number): Promise<Subscription> {
  await database.$executeRaw`
    INSERT INTO subscriptions (name, partitions) VALUES (${name}, ${partitions}) ON CONFLICT (name) DO UPDATE SET partitions = excluded.partitions`
  return database.subscription.findUniqueOrThrow({ where: { name } })
}

export interface Sequenced {
  /** Their predecessors were handled, or stand before them here. In the order in which they are to be handled. */
  ready: OrderEvent[]
  /** A predecessor is missing. */
  early: OrderEvent[]
  /** So old that nobody knows any more whether they were handled. */
  forgotten: OrderEvent[]
}

/** Tells the events whose turn it is from those that came too early. Repeats are ready: the inbox knows them. */
export async function inSequence(
  tx: Transaction,
  { name, since }: Subscription,
  events: OrderEvent[],
): Promise<Sequenced> {
  const orderIds = events.flatMap(({ orderId }) => orderId ?? [])
  const rows = await tx.orderProgress.findMany({ where: { subscriber: name, orderId: { in: orderIds } } })
  const handled = new Map(rows.map(({ orderId, sequence }) => [orderId, sequence]))
  // Asked after the progress: what is forgotten in between is known to be.
  const { remembersFrom } = await tx.subscription.findUniqueOrThrow({
    where: { name },
    select: { remembersFrom: true },
  })
  const sequenced: Sequenced = { ready: [], early: [], forgotten: [] }
  const isOlderThan = (time: string, date: Date | null) => date !== null && Date.parse(time) <= date.getTime()
  for (const event of events.toSorted((one, other) => one.sequence - other.sequence)) {
    const { orderId, sequence, orderedAt, at } = event
    const known = handled.get(orderId ?? '')
    if (known === undefined && isOlderThan(at, remembersFrom)) {
      sequenced.forgotten.push(event)
      continue
    }
    // Of an order that is older than the subscription, or than its memory, the first events are nothing to wait for.
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

/** Writes down how far the subscriber has come with the orders of these events. */
export async function advance(tx: Transaction, { name }: Subscription, events: OrderEvent[]): Promise<void> {
  const newest = new Map<string, number>()
  for (const { orderId, sequence } of events)
    if (orderId !== null) newest.set(orderId, Math.max(sequence, newest.get(orderId) ?? 0))
  if (newest.size === 0) return
  // Sorted, here and below: two batches that hold the same rows wait for each other in a line and not in a circle.
  await tx.$executeRaw`
    INSERT INTO order_progress (subscriber, order_id, sequence)
    SELECT ${name}, order_id, sequence FROM unnest(${[...newest.keys()]}::uuid[], ${[...newest.values()]}::int[]) AS newest (order_id, sequence)
    ORDER BY order_id
    ON CONFLICT (subscriber, order_id) DO UPDATE SET sequence = greatest(order_progress.sequence, excluded.sequence), advanced_at = now()`
}

/**
 * Enters the events in the inbox and returns those that were not there, whose effect belongs in this same transaction.
 * Another transaction that enters the same one is waited for: if it commits, the event is a repeat here.
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
    SELECT ${purpose}, * FROM unnest(${eventIds}::uuid[], ${orderIds}::uuid[], ${sequences}::int[]) AS entry (event_id, order_id, sequence) ORDER BY event_id
    ON CONFLICT DO NOTHING RETURNING event_id AS "eventId"`
  const fresh = new Set(entered.map(({ eventId }) => eventId))
  // Of an event that stands twice in the batch the first is kept.
  return events.filter(({ eventId }) => fresh.delete(eventId))
}
