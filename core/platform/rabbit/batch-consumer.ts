import type { ChannelModel, ConfirmChannel } from 'amqplib'
import type { Registry } from 'prom-client'
import type { Topology } from '../../contracts/topology.ts'
import { failpointOnceSent } from '../process/failpoint.ts'
import type { Logger } from '../process/log.ts'
import { TokenBucket } from '../limits/token-bucket.ts'
import { connectRabbit, openChannel, withinLimit } from './connection.ts'
import { deadLetterCounter } from './dead-letters.ts'
import { declare } from './declare.ts'
import {
  acknowledge,
  countItems,
  type Delivery,
  type DeliveryOptions,
  partsOf,
  readDelivery,
  takeBatch,
} from './deliveries.ts'
import { handleItems, type HandlingOptions, pause } from './handle-items.ts'

export interface BatchConsumerOptions<Item>
  extends DeliveryOptions<Item>,
    Pick<HandlingOptions<Item>, 'handle' | 'isFutile' | 'isAway'> {
  topology: Topology
  /** Items of a batch. A message is always taken whole, so a batch may exceed this by what one message carries. */
  batchMax: number
  /** Steady rate; infinite without it. */
  itemsPerSecond?: number
  /** How long after a batch the next one may fill up. An item after a calm does not wait. */
  gatherMs?: number
  /** Where dead letters are counted. */
  metrics?: Registry
}

export interface BatchConsumer {
  isUp: () => boolean
  /** Messages it was ever given. Of a queue with a single active consumer only that one is given any. */
  given: () => number
  /**
   * Goes to the end of the broker's line of those who wait to be the single active one; what is in hand is still
   * handled.
   */
  stepBack: () => Promise<void>
  /** Stops taking, finishes what is in hand, then closes channel and connection. */
  close: () => Promise<void>
}

/** How often a consumer that gave its messages back asks whether what it needs answers again. */
const AWAY_POLL_MS = 500

/** The channel that is consumed on; no tag while the messages are left to other consumers. */
interface Open {
  model: ChannelModel
  channel: ConfirmChannel
  consumerTag: string | undefined
}

/**
 * Consumes with manual acknowledgement in batches: all that waits, up to `batchMax` items, at the given rate. Of a
 * batch that was in hand when the connection broke, the acks are dropped and the broker delivers again. While what
 * `handle` needs does not answer, it gives its messages back and takes none: a consumer elsewhere may be able to handle
 * them.
 */
export async function consumeBatches<Item>(options: BatchConsumerOptions<Item>): Promise<BatchConsumer> {
  const { log, topology, queue, batchMax, gatherMs = 0 } = options
  const countDead = deadLetterCounter(options.metrics)
  const stop = new AbortController()
  let open: Open | undefined
  let isStandingBack = false
  let waiting: Delivery<Item>[] = []
  let wake = () => {}
  let given = 0

  const connection = await connectRabbit({
    ...options,
    async setup(model) {
      await declare(model, topology, log)
      const channel = await openChannel(model, log)
      channel.on('close', () => {
        waiting = waiting.filter((delivery) => delivery.channel !== channel)
      })
      // Enough to fill a batch with messages of one item each; more would only keep them from other consumers.
      await channel.prefetch(batchMax)
      const opened: Open = { model, channel, consumerTag: undefined }
      open = opened
      if (!isStandingBack) await lineUp(opened)
    },
  })

  async function lineUp(opened: Open): Promise<void> {
    const { channel, model } = opened
    const { consumerTag } = await channel.consume(queue, (message) => {
      if (message === null) {
        log.error({ queue }, 'the broker cancelled the consumer; reconnecting')
        model.close().catch((error: Error) => log.debug({ err: error.message }, 'connection was closing already'))
        return
      }
      given++
      waiting.push(readDelivery(channel, message, options))
      wake()
    })
    opened.consumerTag = consumerTag
  }

  async function run(): Promise<void> {
    const pace = options.itemsPerSecond === undefined ? undefined : new TokenBucket(options.itemsPerSecond, batchMax)
    for (let handledAt = -Infinity; !stop.signal.aborted; handledAt = performance.now()) {
      if (waiting.length === 0)
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      if (countItems(waiting) < batchMax) await pause(handledAt + gatherMs - performance.now(), stop.signal)
      const batch = takeBatch(waiting, batchMax)
      const parts = partsOf(batch)
      await pause(pace?.spend(parts.length) ?? 0, stop.signal)
      // What is not settled goes back to the broker as the channel closes.
      const outcome = await handleItems(parts, { ...options, stop: stop.signal })
      if (outcome === 'DONE') await acknowledge(batch, options, countDead)
      else if (outcome === 'AWAY') await standBack()
      failpointOnceSent('consumer.afterAck')
    }
  }

  /** Gives every message back and takes none until what `handle` needs answers again. */
  async function standBack(): Promise<void> {
    log.error({ queue }, 'the servers of this consumer do not answer: messages requeued, consuming paused')
    isStandingBack = true
    await leave(open, log)
    waiting = []
    while (!stop.signal.aborted && (await options.isAway())) await pause(AWAY_POLL_MS, stop.signal)
    isStandingBack = false
    if (stop.signal.aborted) return
    log.info({ queue }, 'the servers of this consumer answer again: consuming resumed')
    // Of a connection that was lost meanwhile, the next set-up lines up by itself.
    if (open && open.consumerTag === undefined)
      await lineUp(open).catch((error: Error) => log.debug({ err: error.message }, 'channel was gone'))
  }

  const running = run()
  return {
    isUp: () => connection.isUp(),
    given: () => given,
    async stepBack() {
      // After a reconnect it stands at the end anyway.
      if (!connection.isUp() || open?.consumerTag === undefined || stop.signal.aborted) return
      try {
        await open.channel.cancel(open.consumerTag)
        await lineUp(open)
      } catch (error) {
        log.debug({ err: error }, 'the channel went meanwhile; with the next one it stands at the end')
      }
    },
    async close() {
      stop.abort()
      if (connection.isUp() && open?.consumerTag !== undefined)
        await open.channel
          .cancel(open.consumerTag)
          .catch((error: Error) => log.debug({ err: error.message }, 'consumer was gone'))
      wake()
      await running
      // Close the channel before the connection, so that acks still on their way are written.
      if (connection.isUp() && open)
        await withinLimit(open.channel.close()).catch((error: Error) =>
          log.debug({ err: error.message }, 'channel was gone'),
        )
      await connection.close()
    },
  }
}

/** Returns what the channel was given and has not acknowledged, in its order. */
async function leave(open: Open | undefined, log: Logger): Promise<void> {
  if (open?.consumerTag === undefined) return
  const { channel, consumerTag } = open
  open.consumerTag = undefined
  try {
    await channel.cancel(consumerTag)
    channel.nackAll(true)
  } catch (error) {
    log.debug({ err: error }, 'channel gone; the broker has taken its messages back')
  }
}
