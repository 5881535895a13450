import type { OrderEvent } from '../../core/contracts/messages.ts'
import { advance, enterInbox, inSequence, type Subscription } from '../../core/orders/inbox.ts'
import type { Database, Transaction } from '../../core/platform/stores/database.ts'
import { failpoint } from '../../core/platform/process/failpoint.ts'
import type { Right } from '../../core/platform/stores/redis-check.ts'
import type { Subscriber, Tools } from './subscriber.ts'

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

/**
 * Lets each event whose turn it is have its effect, unless it had it before. Strong subscribers do it in one
 * transaction.
 */
export async function handleEvents(deps: HandlingDeps, events: OrderEvent[]): Promise<Handled> {
  const run = async (tx: Transaction): Promise<Handled> => {
    const { ready, early, forgotten } = await inSequence(tx, deps.subscription, events)
    const fresh = await haveEffect(
      tx,
      deps,
      ready.filter((event) => deps.subscriber.events.includes(event.type)),
    )
    await advance(tx, deps.subscription, ready)
    return { fresh, early, forgotten, passed: ready.length - fresh.length }
  }
  const handled = deps.subscriber.once === 'inbox' ? await deps.database.$transaction(run) : await run(deps.database)
  failpoint('subscriber.beforeAck')
  return handled
}

/** @returns the events that were no repeats. */
async function haveEffect(
  tx: Transaction,
  { subscriber, tools }: HandlingDeps,
  events: OrderEvent[],
): Promise<OrderEvent[]> {
  if (subscriber.once !== 'inbox')
    return await unlessMarked(events, tools, subscriber, (event) => subscriber.handle(tx, event, tools))
  const fresh = await enterInbox(tx, subscriber.name, events)
  if (fresh.length === 0) return fresh
  failpoint('subscriber.beforeEffect')
  if ('handleTogether' in subscriber) await subscriber.handleTogether(tx, fresh, tools)
  else for (const event of fresh) await subscriber.handle(tx, event, tools)
  return fresh
}

const markOf = (keyPrefix: string, subscriber: string, eventId: string) =>
  `${keyPrefix}handled:${subscriber}:${eventId}`

/** What the subscribers' user needs in Redis. A subscriber that calls more adds it here. */
export function subscriberRights(keyPrefix: string): Right[] {
  const mark = markOf(keyPrefix, 'x', 'x')
  return [
    ...[['EVAL', '', '0'], ['INFO']].map((call) => ({ call, rule: `+${call[0]?.toLowerCase()}` })),
    { call: ['EXISTS', mark], rule: `+exists ~${keyPrefix}*` },
    { call: ['SET', mark, '1', 'EX', '1'], rule: `+set ~${keyPrefix}*` },
  ]
}

interface Marked {
  name: string
  once: { markSeconds: number }
}

async function unlessMarked(
  events: OrderEvent[],
  { redis, config }: Tools,
  { name, once }: Marked,
  handle: (event: OrderEvent) => Promise<void>,
): Promise<OrderEvent[]> {
  const fresh: OrderEvent[] = []
  for (const event of events) {
    const mark = markOf(config.REDIS_KEY_PREFIX, name, event.eventId)
    if (await redis.exists(mark)) continue
    await handle(event)
    failpoint('subscriber.beforeMark')
    await redis.set(mark, 1, 'EX', once.markSeconds)
    fresh.push(event)
  }
  return fresh
}
