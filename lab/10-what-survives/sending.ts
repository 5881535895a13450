import { setImmediate } from 'node:timers/promises'
import type { ConfirmChannel } from 'amqplib'
import type { RedisWay, Way } from './entry.ts'

interface Sending {
  channel: ConfirmChannel
  queue: string
  count: number
  /** The sender takes this message to be safe from now on. */
  told: (message: number) => void
}

export type Send = (sending: Sending) => Promise<void>

const CHUNK = 50

/** @returns whether the broker confirmed the message; a quorum queue without a leader, as after a start, refuses it */
export function publish(channel: ConfirmChannel, queue: string, body: string, persistent = true): Promise<boolean> {
  return new Promise((resolve) => {
    channel.sendToQueue(queue, Buffer.from(body), { persistent }, (refused) => resolve(!refused))
  })
}

/** Waits for the broker's answer to each message before it sends the next one. */
const oneByOne: Send = async ({ channel, queue, count, told }) => {
  for (let message = 1; message <= count; message++) if (await publish(channel, queue, String(message))) told(message)
}

/** Sends all of them; the answers come when they come. */
const inTheBackground =
  (persistent: boolean): Send =>
  async ({ channel, queue, count, told }) => {
    const send = async (message: number) => {
      if (await publish(channel, queue, String(message), persistent)) told(message)
    }
    await Promise.all(Array.from({ length: count }, (_, i) => send(i + 1)))
  }

/** Waits for nothing: a message counts as sent once it is handed to the connection. */
const oneWay: Send = async ({ channel, queue, count, told }) => {
  for (let message = 1; message <= count; message++) {
    // Node writes to the socket only between two chunks. What is handed over last is still in this process at the end.
    if (message % CHUNK === 1) await setImmediate()
    channel.sendToQueue(queue, Buffer.from(String(message)), { persistent: true })
    told(message)
  }
}

export const SEND: Record<Exclude<Way, RedisWay>, Send> = {
  transient: inTheBackground(false),
  'one-way': oneWay,
  sync: oneByOne,
  async: inTheBackground(true),
  quorum: inTheBackground(true),
}
