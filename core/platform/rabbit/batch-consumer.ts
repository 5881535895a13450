import type { ChannelModel, ConfirmChannel, ConsumeMessage } from 'amqplib'
import type { Registry } from 'prom-client'
import { UnreadableMessage, type Unpacked } from '../../contracts/messages.ts'
import type { Topology } from '../../contracts/topology.ts'
import { failpointOnceSent } from '../process/failpoint.ts'
import type { Logger } from '../process/log.ts'
import { groupBy } from '../batches/divide.ts'
import { TokenBucket } from '../limits/token-bucket.ts'
import { connectRabbit, openChannel, withinLimit } from './connection.ts'
import { deadLetter, deadLetterCounter, type Flaw, type DeadLetterTarget } from './dead-letters.ts'
import { declare } from './declare.ts'
import { handleItems, type HandlingOptions, pause } from './handle-items.ts'

export interface BatchConsumerOptions<Item> extends Pick<HandlingOptions<Item>, 'handle' | 'isFutile' | 'isAway'> {
  url: string
  name: string
  log: Logger
  topology: Topology
  queue: string
  /** Items of a batch. A message is always taken whole, so a batch may exceed this by what one message carries. */
  batchMax: number
  /** Steady rate; infinite without it. */
  itemsPerSecond?: number
  /** How long after a batch the next one may fill up. An item after a calm does not wait. */
  gatherMs?: number
  /** What a message carries. @throws UnreadableMessage */
  unpack: (body: Buffer) => Unpacked<Item>
  /**
   * A message with these entries alone, which goes to the dead letters instead of one that also carried good ones; the
   * whole message goes there by default.
   */
  pack?: (items: Item[], unreadable: unknown[]) => Buffer
  /** Where its dead letters go; to those of the shop by default. */
  deadLetterTarget?: DeadLetterTarget
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

/** A message and what could be read of it. */
interface Delivery<Item> {
  channel: ConfirmChannel
  message: ConsumeMessage
  items: Item[]
  /** Why it goes to the dead letters. */
  flaw?: Flaw
  unreadable: unknown[]
  poison: Item[]
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
      waiting.push({ channel, message, poison: [], ...read(message.content, options) })
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
      const parts = batch.flatMap((delivery) =>
        delivery.items.map((item) => ({
          item,
          onPoison: (error: unknown) => {
            delivery.flaw ??= refusedFor(error)
            delivery.poison.push(item)
          },
        })),
      )
      await pause(pace?.spend(parts.length) ?? 0, stop.signal)
      // What is not settled goes back to the broker as the channel closes.
      const outcome = await handleItems(parts, { ...options, stop: stop.signal })
      if (outcome === 'DONE') await settle(batch)
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

  /**
   * The only place that acknowledges. Without `pack`, a message that holds poison goes to the dead letters with its
   * neighbours: they are handled all the same, and are repeats should an operator send it back.
   */
  async function settle(batch: Delivery<Item>[]): Promise<void> {
    const deadLetters = batch.flatMap(({ message, flaw, poison, unreadable, items }) => {
      const isMixed = poison.length < items.length
      const content = isMixed && options.pack ? options.pack(poison, unreadable) : message.content
      return flaw ? [{ message: { ...message, content }, queue, flaw }] : []
    })
    if (deadLetters.length === 0) return acknowledgeAll(batch, log)
    for (const delivery of batch) if (!delivery.flaw) answer(delivery, 'ack', log)
    for (const { flaw } of deadLetters) countDead(queue, flaw.reason)
    const outcomes = await deadLetter(options.url, options.name, deadLetters, log, options.deadLetterTarget)
    // What could not be dead-lettered the broker takes there itself, without the reason, and holds it until there is room.
    batch
      .filter(({ flaw }) => flaw)
      .forEach((delivery, i) => answer(delivery, outcomes[i] === 'CONFIRMED' ? 'ack' : 'reject', log))
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

function read<Item>(
  body: Buffer,
  { unpack, log, queue }: BatchConsumerOptions<Item>,
): Pick<Delivery<Item>, 'items' | 'flaw' | 'unreadable'> {
  try {
    const { items, isWhole, why = 'it is not whole', unreadable = [] } = unpack(body)
    if (isWhole) return { items, unreadable }
    log.error({ queue, readable: items.length, why }, 'message is not whole, to the dead letters')
    return { items, unreadable, flaw: { reason: 'unreadable', why } }
  } catch (error) {
    if (!(error instanceof UnreadableMessage)) throw error
    log.error({ queue, err: error.message }, 'unreadable message, to the dead letters')
    return { items: [], unreadable: [], flaw: { reason: 'unreadable', why: error.message } }
  }
}

const refusedFor = (error: unknown): Flaw => ({
  reason: 'refused',
  why: error instanceof Error ? error.message : String(error),
})

const countItems = (deliveries: Delivery<unknown>[]) => deliveries.reduce((sum, { items }) => sum + items.length, 0)

/** Takes messages off the list until they carry `batchMax` items. */
function takeBatch<Item>(waiting: Delivery<Item>[], batchMax: number): Delivery<Item>[] {
  let items = 0
  let taken = 0
  for (; taken < waiting.length && items < batchMax; taken++) items += waiting[taken]?.items.length ?? 0
  return waiting.splice(0, taken)
}

/**
 * With one acknowledgement for all, which the broker's queue records at once. Nothing else is covered by it: batches are
 * taken in the order of delivery, one at a time, and a channel's deliveries go when it closes.
 */
function acknowledgeAll<Item>(batch: Delivery<Item>[], log: Logger): void {
  for (const [channel, deliveries] of groupBy(batch, (delivery) => delivery.channel)) {
    const last = deliveries.at(-1)
    try {
      if (last) channel.ack(last.message, true)
    } catch (error) {
      log.debug({ err: error }, 'channel gone before the ack; the broker delivers again')
    }
  }
}

function answer<Item>({ channel, message }: Delivery<Item>, how: 'ack' | 'reject', log: Logger): void {
  try {
    if (how === 'ack') channel.ack(message)
    else channel.reject(message, false)
  } catch (error) {
    log.debug({ err: error }, 'channel gone before the ack; the broker delivers again')
  }
}
