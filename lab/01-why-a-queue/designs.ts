import type { ConfirmChannel, ConsumeMessage } from 'amqplib'
import type { Place } from '../frame/place.ts'
import type { Notifier } from './services.ts'
import { type Entry, LIMIT_MS, NoAnswer, type PlaceOrder, type Tell } from './shop.ts'

/** One call after the other: the buyer waits for the sum of them. */
export const oneAfterTheOther =
  (tell: Tell): PlaceOrder =>
  async (order, downstreams) => {
    for (const downstream of downstreams) await call(downstream, order, tell)
  }

/** All calls at once: the buyer waits for the slowest of them. */
export const allAtOnce =
  (tell: Tell): PlaceOrder =>
  async (order, downstreams) => {
    await Promise.all(downstreams.map((downstream) => call(downstream, order, tell)))
  }

async function call(downstream: Notifier, order: number, tell: Tell): Promise<void> {
  await downstream.notify(order, LIMIT_MS).catch(() => {
    throw new NoAnswer(downstream.name)
  })
  tell(order, 'EFFECT', { by: downstream.name })
}

const EXCHANGE = 'orders'

/**
 * One message for all. Each downstream has a queue of its own, from which it is told at its own pace. The buyer
 * waits until the broker has the message on disk, and for nothing else.
 */
export async function oneMessage({ broker }: Place<Entry>, tell: Tell) {
  const channel = await broker.createConfirmChannel()
  await channel.assertExchange(EXCHANGE, 'fanout')
  const consumers = new Map<string, Promise<void>>()
  let waiting = 0
  const placeOrder: PlaceOrder = async (order, downstreams) => {
    for (const downstream of downstreams) {
      if (!consumers.has(downstream.name)) consumers.set(downstream.name, consume(channel, downstream, had))
      await consumers.get(downstream.name)
    }
    waiting += downstreams.length
    channel.publish(EXCHANGE, '', Buffer.from(String(order)), { persistent: true })
    await channel.waitForConfirms()
  }
  const had = (order: number, by: string) => {
    waiting -= 1
    tell(order, 'EFFECT', { by })
  }
  return { placeOrder, waiting: () => waiting }
}

async function consume(
  channel: ConfirmChannel,
  downstream: Notifier,
  had: (order: number, by: string) => void,
): Promise<void> {
  const { queue } = await channel.assertQueue(downstream.name)
  await channel.bindQueue(queue, EXCHANGE, '')
  await channel.prefetch(8)
  const handle = async (message: ConsumeMessage) => {
    const order = Number(message.content.toString())
    try {
      await downstream.notify(order)
    } catch {
      channel.nack(message) // It comes again.
      return
    }
    had(order, downstream.name)
    channel.ack(message)
  }
  await channel.consume(queue, (message) => {
    if (message) void handle(message)
  })
}
