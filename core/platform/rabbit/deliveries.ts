import type { ConfirmChannel, ConsumeMessage } from 'amqplib'
import { UnreadableMessage, type Unpacked } from '../../contracts/messages.ts'
import { groupBy } from '../batches/divide.ts'
import type { Logger } from '../process/log.ts'
import { deadLetter, type deadLetterCounter, type DeadLetterTarget, type Flaw } from './dead-letters.ts'
import type { Part } from './handle-items.ts'

/** A message and what could be read of it. */
export interface Delivery<Item> {
  channel: ConfirmChannel
  message: ConsumeMessage
  items: Item[]
  /** Why it goes to the dead letters. */
  flaw?: Flaw
  unreadable: unknown[]
  poison: Item[]
}

export interface DeliveryOptions<Item> {
  url: string
  name: string
  log: Logger
  queue: string
  /** What a message carries. @throws UnreadableMessage */
  unpack: (body: Buffer) => Unpacked<Item>
  /**
   * A message with these entries alone, which goes to the dead letters instead of one that also carried good ones; the
   * whole message goes there by default.
   */
  pack?: (items: Item[], unreadable: unknown[]) => Buffer
  /** Where its dead letters go; to those of the shop by default. */
  deadLetterTarget?: DeadLetterTarget
}

export function readDelivery<Item>(
  channel: ConfirmChannel,
  message: ConsumeMessage,
  { unpack, log, queue }: DeliveryOptions<Item>,
): Delivery<Item> {
  const delivery = { channel, message, poison: [] }
  try {
    const { items, isWhole, why = 'it is not whole', unreadable = [] } = unpack(message.content)
    if (isWhole) return { ...delivery, items, unreadable }
    log.error({ queue, readable: items.length, why }, 'message is not whole, to the dead letters')
    return { ...delivery, items, unreadable, flaw: { reason: 'unreadable', why } }
  } catch (error) {
    if (!(error instanceof UnreadableMessage)) throw error
    log.error({ queue, err: error.message }, 'unreadable message, to the dead letters')
    return { ...delivery, items: [], unreadable: [], flaw: { reason: 'unreadable', why: error.message } }
  }
}

export const countItems = (deliveries: Delivery<unknown>[]) =>
  deliveries.reduce((sum, { items }) => sum + items.length, 0)

/** Takes messages off the list until they carry `batchMax` items. */
export function takeBatch<Item>(waiting: Delivery<Item>[], batchMax: number): Delivery<Item>[] {
  let items = 0
  let taken = 0
  for (; taken < waiting.length && items < batchMax; taken++) items += waiting[taken]?.items.length ?? 0
  return waiting.splice(0, taken)
}

/** What the batch carries; an entry that cannot be handled marks its message. */
export function partsOf<Item>(batch: Delivery<Item>[]): Part<Item>[] {
  return batch.flatMap((delivery) =>
    delivery.items.map((item) => ({
      item,
      onPoison: (error: unknown) => {
        delivery.flaw ??= refusedFor(error)
        delivery.poison.push(item)
      },
    })),
  )
}

const refusedFor = (error: unknown): Flaw => ({
  reason: 'refused',
  why: error instanceof Error ? error.message : String(error),
})

/**
 * The only place that acknowledges. Without `pack`, a message that holds poison goes to the dead letters with its
 * neighbours: they are handled all the same, and are repeats should an operator send it back.
 */
export async function acknowledge<Item>(
  batch: Delivery<Item>[],
  options: DeliveryOptions<Item>,
  countDead: ReturnType<typeof deadLetterCounter>,
): Promise<void> {
  const { log, queue } = options
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
