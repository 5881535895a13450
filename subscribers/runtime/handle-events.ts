import type { OrderEvent } from '../../core/contracts/messages.ts'
import { enterInbox, inSequence, type Subscription } from '../../core/orders/inbox.ts'
import type { Database, Transaction } from '../../core/platform/stores/database.ts'
import { failpoint } from '../../core/platform/process/failpoint.ts'
import type { Right } from '../../core/platform/stores/redis-check.ts'
import { StockKeys } from '../../core/stock/keys.ts'
import type { Strong, Subscriber, Tools, Weak } from './subscriber.ts'

export interface HandlingDeps {
  subscriber: Subscriber
  subscription: Subscription
  database: Database
  tools: Tools
}

export interface Handled {
  /** Their effect has happened now. */
  fresh: OrderEvent[]
  /** Repeats, and events that this subscriber does not want. */
  passed: number
  /** Nothing was done with them: a predecessor is missing. */
  early: OrderEvent[]
  /** Nor with them: they may have had their effect so long ago that its record is gone. */
  forgotten: OrderEvent[]
}
type Outcome = Omit<Handled, 'passed'>

/**
 * Lets each event whose turn it is have its effect, unless it had it before. Strong subscribers do it in one
 * transaction.
 */
export async function handleEvents(deps: HandlingDeps, events: OrderEvent[]): Promise<Handled> {
  const { subscriber, database } = deps
  const handled =
    subscriber.once === 'inbox'
      ? await database.$transaction((tx) => handleStrong(tx, subscriber, deps, events))
      : await handleWeak(subscriber, deps, events)
  failpoint('subscriber.beforeAck')
  return { ...handled, passed: events.length - handled.early.length - handled.forgotten.length - handled.fresh.length }
}

const isWanted =
  ({ events }: Subscriber) =>
  ({ type }: OrderEvent) =>
    events.includes(type)

async function handleStrong(
  tx: Transaction,
  subscriber: Strong,
  { subscription, tools }: HandlingDeps,
  events: OrderEvent[],
): Promise<Outcome> {
  // The broker keeps the bindings to types that an earlier version wanted.
  const followed = subscriber.follows === 'events' ? events.filter(isWanted(subscriber)) : events
  const { ready, early, forgotten } = await inSequence(tx, subscription, followed)
  const fresh = (await enterInbox(tx, subscriber.name, ready)).filter(isWanted(subscriber))
  if (fresh.length > 0) {
    failpoint('subscriber.beforeEffect')
    if ('handleTogether' in subscriber) await subscriber.handleTogether(tx, fresh, tools)
    else for (const event of fresh) await subscriber.handle(tx, event, tools)
  }
  return { fresh, early, forgotten }
}

async function handleWeak(
  subscriber: Weak,
  { subscription, database, tools }: HandlingDeps,
  events: OrderEvent[],
): Promise<Outcome> {
  const { ready, early, forgotten } =
    subscriber.follows === 'events'
      ? { ready: events, early: [], forgotten: [] }
      : await inSequence(database, subscription, events)
  const fresh = await unlessMarked(database, subscriber, tools, ready.filter(isWanted(subscriber)))
  if (subscriber.follows !== 'events') await enterInbox(database, subscriber.name, ready)
  return { fresh, early, forgotten }
}

const markOf = (keyPrefix: string, subscriber: string, eventId: string) =>
  `${keyPrefix}handled:${subscriber}:${eventId}`

/** What the subscribers' user needs in Redis. A subscriber that calls more adds it here. */
export function subscriberRights(keyPrefix: string): Right[] {
  const mark = markOf(keyPrefix, 'x', 'x')
  return [
    ...[['EVAL', '', '0'], ['INFO']].map((call) => ({ call, rule: `+${call[0]?.toLowerCase()}` })),
    { call: ['GET', mark], rule: `+get ~${keyPrefix}*` },
    { call: ['HGET', new StockKeys(keyPrefix).sale('x'), 'epoch'], rule: `+hget ~${keyPrefix}*` },
    { call: ['SET', mark, '1', 'EX', '1'], rule: `+set ~${keyPrefix}*` },
  ]
}

/** Marks are read and set for all events of a batch together. @returns the events that had none */
async function unlessMarked(
  db: Transaction,
  subscriber: Weak,
  tools: Tools,
  events: OrderEvent[],
): Promise<OrderEvent[]> {
  if (events.length === 0) return []
  const { redis, config } = tools
  const byMark = new Map(
    events.map((event) => [markOf(config.REDIS_KEY_PREFIX, subscriber.name, event.eventId), event]),
  )
  // A call for each: in a cluster they are on several servers.
  const found = await Promise.all([...byMark.keys()].map((mark) => redis.get(mark)))
  const unmarked = [...byMark].filter((_, i) => found[i] === null)
  const marks: string[] = []
  const fresh: OrderEvent[] = []
  try {
    for (const [mark, event] of unmarked) {
      await subscriber.handle(db, event, tools)
      fresh.push(event)
      marks.push(mark)
    }
  } finally {
    // Also when one fails: those before it have had their effect.
    if (fresh.length > 0) failpoint('subscriber.beforeMark')
    await Promise.all(marks.map((mark) => redis.set(mark, 1, 'EX', subscriber.once.markSeconds)))
  }
  return fresh
}
