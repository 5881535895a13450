import type { RedisClient } from '../../core/platform/stores/redis.ts'
import type { OrderEvent, OrderEventType } from '../../core/contracts/messages.ts'
import type { Follows } from '../../core/contracts/subscriber-topology.ts'
import type { Interest } from '../../core/orders/inbox.ts'
import type { Transaction } from '../../core/platform/stores/database.ts'
import type { Logger } from '../../core/platform/process/log.ts'
import type { SubscribersConfig } from './config.ts'

/** What an effect may use beside the transaction. */
export interface Tools {
  config: SubscribersConfig
  redis: RedisClient
  log: Logger
}

interface Declaration {
  /** Also the name of its file, and of its queues: `seckill.subscriber.<name>`. */
  name: string
  /** The events that have an effect. */
  events: readonly OrderEventType[]
  /**
   * `orders` unless given: the events of an order come in sequence, and all of them are entered in the inbox. Where no
   * effect depends on an earlier one, `events` in any order cost a fraction.
   */
  follows?: Follows
}

/** A row per event in the transaction of the effect: exactly once, whichever process is killed. */
interface StrongEach extends Declaration {
  once: 'inbox'
  handle: (tx: Transaction, event: OrderEvent, tools: Tools) => Promise<void>
}

/** The same, for effects that are written together: a batch takes as many statements as one event. */
interface StrongTogether extends Declaration {
  once: 'inbox'
  handleTogether: (tx: Transaction, events: OrderEvent[], tools: Tools) => Promise<void>
}

/**
 * A mark in Redis that lives for so long, set after the effects of a batch: for what cannot be in a transaction. Died
 * in between, or delivered again after the mark has gone, the effect happens twice; never is it left out.
 */
export interface Weak extends Declaration {
  once: { markSeconds: number }
  handle: (db: Transaction, event: OrderEvent, tools: Tools) => Promise<void>
}

export type Strong = StrongEach | StrongTogether
export type Subscriber = Strong | Weak

/** One with marks that takes events in any order leaves no trace of them in PostgreSQL. */
export const interestOf = ({ events, follows = 'orders', once }: Subscriber): Interest => ({
  follows,
  entered: once === 'inbox' ? events : [],
})

/**
 * Thrown by an effect whose servers are away: the event is retried. Any other error sends it to the dead
 * letters.
 */
export class TryAgain extends Error {}
