import type { Channel, ChannelModel } from 'amqplib'
import { TokenBucket } from '../../core/platform/limits/token-bucket.ts'

export const RATE_PER_SECOND = 50
/** Requests that may pass at once after a pause: so many tokens are there at the start. */
export const BURST = 10
const TOKENS = 'tokens'
const GENERATE_EVERY_MS = 10

/** @returns whether a request may pass. @throws when it cannot tell */
export type Limiter = () => Promise<boolean>

/** Each request takes a token from the queue, and passes if there was one. */
export async function takeTokens(broker: ChannelModel): Promise<Limiter> {
  const channel = await openTokens(broker)
  return async () => (await channel.get(TOKENS, { noAck: true })) !== false
}

/** The shop's bucket: a number, to which the time since the last request adds. */
export function shopBucket(): Limiter {
  const bucket = new TokenBucket(RATE_PER_SECOND, BURST)
  return async () => bucket.take().taken
}

export const noLimit: Limiter = async () => true

/** Puts tokens into the queue at the rate. @returns a function that stops it */
export function generateTokens(channel: Channel): () => void {
  const startedAt = performance.now()
  let made = 0
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - startedAt) / 1_000) * RATE_PER_SECOND)
    // After a long pause of this process more tokens are due than the queue takes.
    for (made = Math.max(made, due - BURST); made < due; made++) channel.sendToQueue(TOKENS, Buffer.from('token'))
  }, GENERATE_EVERY_MS)
  const stop = () => clearInterval(timer)
  channel.once('close', stop)
  return stop
}

export async function fill(broker: ChannelModel): Promise<void> {
  const channel = await openTokens(broker)
  for (let i = 0; i < BURST; i++) channel.sendToQueue(TOKENS, Buffer.from('token'))
  await channel.close()
}

/** The queue drops tokens beyond the burst: a bucket that is full overflows. */
export async function openTokens(broker: ChannelModel): Promise<Channel> {
  const channel = await broker.createChannel()
  await channel.assertQueue(TOKENS, { arguments: { 'x-max-length': BURST } })
  return channel
}
