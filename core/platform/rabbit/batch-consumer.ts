import { setTimeout as delay } from 'node:timers/promises'
import type { ConfirmChannel, ConsumeMessage } from 'amqplib'
import type { Topology } from '../../contracts/topology.ts'
import type { Logger } from '../log.ts'
import { TokenBucket } from '../token-bucket.ts'
import { connectRabbit, declare, openChannel } from './connection.ts'

/** What becomes of one message. Requeue is not among them: a batch that failed is tried again where it is. */
export type Outcome = 'ACK' | 'DEAD_LETTER'

export interface BatchConsumerOptions {
  url: string
  name: string
  log: Logger
  topology: Topology
  queue: string
  batchMax: number
  /** Steady rate; infinite without it. */
  messagesPerSecond?: number
  /** Handles a batch and says, message by message, what becomes of it. */
  handle: (bodies: Buffer[]) => Promise<Outcome[]>
  /** Whether trying the same again is futile. Such a batch is split, and the message that fails alone is dead-lettered. */
  isFutile: (error: unknown) => boolean
}

export interface BatchConsumer {
  isUp: () => boolean
  /** Stops taking, finishes what is in hand, then closes channel and connection. */
  close: () => Promise<void>
}

interface Delivery {
  channel: ConfirmChannel
  message: ConsumeMessage
}

const MAX_PAUSE_MS = 5_000

/**
 * Consumes with manual acknowledgement in batches: whatever waits, up to `batchMax`, at the given rate. This is the only
 * place that acks. Of a batch that was in hand when the connection broke, the acks are dropped and the broker delivers again.
 */
export async function consumeBatches(options: BatchConsumerOptions): Promise<BatchConsumer> {
  const { log, topology, queue, batchMax, handle, isFutile } = options
  const pace = options.messagesPerSecond === undefined ? undefined : new TokenBucket(options.messagesPerSecond, batchMax)
  let open: { channel: ConfirmChannel; consumerTag: string } | undefined
  let waiting: Delivery[] = []
  let stopping = false
  let wake = () => {}

  const connection = await connectRabbit({
    ...options,
    async setup(model) {
      await declare(model, topology, log)
      const channel = await openChannel(model, log)
      channel.on('close', () => { waiting = waiting.filter((delivery) => delivery.channel !== channel) })
      await channel.prefetch(batchMax * 2)
      const { consumerTag } = await channel.consume(queue, (message) => {
        if (message === null) {
          log.error({ queue }, 'the broker cancelled the consumer; reconnecting')
          model.close().catch((error: Error) => log.debug({ err: error.message }, 'connection was closing already'))
          return
        }
        waiting.push({ channel, message })
        wake()
      })
      open = { channel, consumerTag }
    },
  })

  async function run() {
    while (!stopping) {
      if (waiting.length === 0) await new Promise<void>((resolve) => { wake = resolve })
      const batch = waiting.splice(0, batchMax)
      await delay(pace?.spend(batch.length) ?? 0)
      await process(batch)
    }
  }

  /** Tries until it works, with growing pauses; splits a batch that no retry can mend. */
  async function process(batch: Delivery[]): Promise<void> {
    for (let pauseMs = 100; batch.length > 0; pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS)) {
      try {
        const outcomes = await handle(batch.map((delivery) => delivery.message.content))
        batch.forEach((delivery, i) => settle(delivery, outcomes[i] ?? 'DEAD_LETTER'))
        return
      } catch (error) {
        if (isFutile(error)) return split(batch, error)
        log.warn({ err: error, queue, messages: batch.length, pauseMs }, 'batch failed, trying again')
        // While it stops, what is unacknowledged goes back to the broker instead.
        if (stopping) return
        await delay(pauseMs)
      }
    }
  }

  async function split(batch: Delivery[], error: unknown): Promise<void> {
    const [only] = batch
    if (only && batch.length === 1) {
      log.error({ err: error, queue }, 'message cannot be handled, to the dead letters')
      settle(only, 'DEAD_LETTER')
      return
    }
    for (const delivery of batch) await process([delivery])
  }

  function settle({ channel, message }: Delivery, outcome: Outcome): void {
    try {
      if (outcome === 'ACK') channel.ack(message)
      else channel.reject(message, false)
    } catch (error) {
      log.debug({ err: error }, 'channel gone before the ack; the broker delivers again')
    }
  }

  const running = run()
  return {
    isUp: () => connection.isUp(),
    async close() {
      stopping = true
      if (connection.isUp() && open) await open.channel.cancel(open.consumerTag).catch((error: Error) => log.debug({ err: error.message }, 'consumer was gone'))
      wake()
      await running
      // Close the channel before the connection, so that acks still on their way are written.
      if (connection.isUp() && open) await open.channel.close().catch((error: Error) => log.debug({ err: error.message }, 'channel was gone'))
      await connection.close()
    },
  }
}
