import type { ConfirmChannel, ConsumeMessage } from 'amqplib'
import { UnreadableMessage, type Unpacked } from '../../contracts/messages.ts'
import type { Topology } from '../../contracts/topology.ts'
import { failpointOnceSent } from '../failpoint.ts'
import type { Logger } from '../log.ts'
import { TokenBucket } from '../token-bucket.ts'
import { connectRabbit, declare, openChannel, withinLimit } from './connection.ts'
import { handleItems, type HandlingOptions, pause } from './handle-items.ts'

export interface BatchConsumerOptions<Item> extends Pick<HandlingOptions<Item>, 'handle' | 'isFutile'> {
  url: string
  name: string
  log: Logger
  topology: Topology
  queue: string
  /** Items of a batch. A message is always taken whole, so a batch may exceed this by what one message carries. */
  batchMax: number
  /** Steady rate; infinite without it. */
  itemsPerSecond?: number
  /** What a message carries. @throws UnreadableMessage */
  unpack: (body: Buffer) => Unpacked<Item>
}

export interface BatchConsumer {
  isUp: () => boolean
  /** Stops taking, finishes what is in hand, then closes channel and connection. */
  close: () => Promise<void>
}

/** A message and what could be read of it. */
interface Delivery<Item> extends Unpacked<Item> {
  channel: ConfirmChannel
  message: ConsumeMessage
}

/**
 * Consumes with manual acknowledgement in batches: whatever waits, up to `batchMax` items, at the given rate. Of a batch
 * that was in hand when the connection broke, the acks are dropped and the broker delivers again.
 */
export async function consumeBatches<Item>(options: BatchConsumerOptions<Item>): Promise<BatchConsumer> {
  const { log, topology, queue, batchMax } = options
  const stop = new AbortController()
  let open: { channel: ConfirmChannel; consumerTag: string } | undefined
  let waiting: Delivery<Item>[] = []
  let wake = () => {}

  const connection = await connectRabbit({
    ...options,
    async setup(model) {
      await declare(model, topology, log)
      const channel = await openChannel(model, log)
      channel.on('close', () => { waiting = waiting.filter((delivery) => delivery.channel !== channel) })
      // Enough to fill a batch with messages of one item each; more would only keep them from other consumers.
      await channel.prefetch(batchMax)
      const { consumerTag } = await channel.consume(queue, (message) => {
        if (message === null) {
          log.error({ queue }, 'the broker cancelled the consumer; reconnecting')
          model.close().catch((error: Error) => log.debug({ err: error.message }, 'connection was closing already'))
          return
        }
        waiting.push({ channel, message, ...read(message.content, options) })
        wake()
      })
      open = { channel, consumerTag }
    },
  })

  async function run(): Promise<void> {
    const pace = options.itemsPerSecond === undefined ? undefined : new TokenBucket(options.itemsPerSecond, batchMax)
    while (!stop.signal.aborted) {
      if (waiting.length === 0) await new Promise<void>((resolve) => { wake = resolve })
      const batch = takeBatch(waiting, batchMax)
      const parts = batch.flatMap((delivery) => delivery.items.map((item) => ({ item, onPoison: () => { delivery.isWhole = false } })))
      await pause(pace?.spend(parts.length) ?? 0, stop.signal)
      // What is not settled goes back to the broker as the channel closes.
      if (await handleItems(parts, { ...options, stop: stop.signal })) for (const delivery of batch) settle(delivery, log)
      failpointOnceSent('consumer.afterAck')
    }
  }

  const running = run()
  return {
    isUp: () => connection.isUp(),
    async close() {
      stop.abort()
      if (connection.isUp() && open) await open.channel.cancel(open.consumerTag).catch((error: Error) => log.debug({ err: error.message }, 'consumer was gone'))
      wake()
      await running
      // Close the channel before the connection, so that acks still on their way are written.
      if (connection.isUp() && open) await withinLimit(open.channel.close()).catch((error: Error) => log.debug({ err: error.message }, 'channel was gone'))
      await connection.close()
    },
  }
}

function read<Item>(body: Buffer, { unpack, log, queue }: BatchConsumerOptions<Item>): Unpacked<Item> {
  try {
    const unpacked = unpack(body)
    if (!unpacked.isWhole) log.error({ queue, readable: unpacked.items.length }, 'message is not whole, to the dead letters')
    return unpacked
  } catch (error) {
    if (!(error instanceof UnreadableMessage)) throw error
    log.error({ queue, err: error.message }, 'unreadable message, to the dead letters')
    return { items: [], isWhole: false }
  }
}

/** Takes messages off the list until they carry `batchMax` items. */
function takeBatch<Item>(waiting: Delivery<Item>[], batchMax: number): Delivery<Item>[] {
  let items = 0
  let taken = 0
  for (; taken < waiting.length && items < batchMax; taken++) items += waiting[taken]?.items.length ?? 0
  return waiting.splice(0, taken)
}

/**
 * The only place that acknowledges. A message that holds poison goes to the dead letters with its neighbours: they are
 * handled all the same, and will be met as repeats should somebody send it back.
 */
function settle<Item>({ channel, message, isWhole }: Delivery<Item>, log: Logger): void {
  try {
    if (isWhole) channel.ack(message)
    else channel.reject(message, false)
  } catch (error) {
    log.debug({ err: error }, 'channel gone before the ack; the broker delivers again')
  }
}
