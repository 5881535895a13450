import type { Redis } from 'ioredis'
import type { OrderEvent, OrderEventType } from '../../core/contracts/messages.ts'
import type { Transaction } from '../../core/platform/stores/database.ts'
import type { Logger } from '../../core/platform/process/log.ts'
import type { SubscribersConfig } from './config.ts'

/** What an effect may use beside the transaction. */
export interface Tools {
  config: SubscribersConfig
  redis: Redis
  log: Logger
}

interface Declaration {
  /** Also the name of its file, and of its queues: `seckill.subscriber.<name>`. */
  name: string
  /** The events that have an effect. The others of an order are seen, too, for their order, and pass by. */
  events: readonly OrderEventType[]
}

/** A row per event in the transaction of the effect: exactly once, whichever process is killed. */
interface Strong extends Declaration {
  once: 'inbox'
  handle: (tx: Transaction, event: OrderEvent, tools: Tools) => Promise<void>
}

/** The same, for effects that meet in one row: a batch is one change of it. */
interface StrongTogether extends Declaration {
  once: 'inbox'
  handleTogether: (tx: Transaction, events: OrderEvent[], tools: Tools) => Promise<void>
}

/**
 * A mark in Redis that lives for so long, set after the effect: for what cannot be in a transaction. Died in between,
 * or delivered again after the mark has gone, the effect happens twice; never is it left out.
 */
interface Weak extends Declaration {
  once: { markSeconds: number }
  handle: (db: Transaction, event: OrderEvent, tools: Tools) => Promise<void>
}

export type Subscriber = Strong | StrongTogether | Weak

/**
 * Thrown by an effect whose servers are away: the event is retried. Any other error sends it to the dead
 * letters.
 */
export class TryAgain extends Error {}
