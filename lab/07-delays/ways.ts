import { setTimeout as sleep } from 'node:timers/promises'
import type { ChannelModel, ConsumeMessage } from 'amqplib'
import { slicesOf } from '../../core/platform/batches/divide.ts'
import type { Place } from '../frame/place.ts'
import { TimingWheel } from './timing-wheel.ts'

export interface Message {
  id: number
  delayMs: number
  /** Milliseconds since 1970. */
  dueAt: number
}

/** Keeps messages until they are due, and calls `onDue` with the id of each one then. */
export interface Delayer {
  schedule: (messages: Message[]) => Promise<void>
}

type Own = Pick<Place<object>, 'world' | 'pool' | 'broker' | 'now' | 'defer'>
export type Way = (place: Own, onDue: (id: number) => void) => Promise<Delayer>

const DUE = 'due'
/** Between two looks at what is due. */
const SCAN_MS = 50
const AT_ONCE = 1_000

/** A queue without consumers: a message that has been in it for its TTL expires, and is dead-lettered to `due`. */
const waitingQueue = {
  'x-queue-type': 'quorum',
  'x-dead-letter-exchange': '',
  'x-dead-letter-routing-key': DUE,
  // What expires is kept until `due` has it.
  'x-dead-letter-strategy': 'at-least-once',
  'x-overflow': 'reject-publish',
}

/** One queue whose TTL is each message's own. RabbitMQ only looks at the first message of a queue. */
export const mixedTtl: Way = async ({ broker }, onDue) => {
  const send = await openSender(broker)
  await consumeDue(broker, onDue)
  await declare(broker, 'waiting', waitingQueue)
  return { schedule: (messages) => send(messages, 'waiting', ({ delayMs }) => ({ expiration: delayMs })) }
}

/** For each delay a queue whose TTL it is: the message that came first is due first. */
export const queuePerDelay: Way = async ({ broker }, onDue) => {
  const send = await openSender(broker)
  await consumeDue(broker, onDue)
  return {
    async schedule(messages) {
      const delays = [...new Set(messages.map((message) => message.delayMs))]
      const queueOf = (delayMs: number) => `waiting.${delayMs}ms`
      for (const delayMs of delays)
        await declare(broker, queueOf(delayMs), { ...waitingQueue, 'x-message-ttl': delayMs })
      // The shortest first: a delay begins when the message is in its queue.
      for (const delayMs of delays.toSorted((one, other) => one - other)) {
        const ofDelay = messages.filter((message) => message.delayMs === delayMs)
        await send(ofDelay, queueOf(delayMs))
      }
    },
  }
}

/** A log, as in Kafka: read in the order in which it was written. The reader waits until the next message is due. */
export const streamInOrder: Way = async ({ broker, now }, onDue) => {
  const send = await openSender(broker)
  await declare(broker, 'log', { 'x-queue-type': 'stream' })
  const channel = await broker.createChannel()
  await channel.prefetch(AT_ONCE) // A stream has no consumer without one.
  let before = Promise.resolve()
  const read = async (message: ConsumeMessage) => {
    await sleep(Math.max(0, Number(message.properties.headers?.dueAt) - now()))
    onDue(Number(message.content))
    channel.ack(message)
  }
  const onMessage = (message: ConsumeMessage | null) => {
    if (message) before = before.then(() => read(message))
  }
  await channel.consume('log', onMessage, { arguments: { 'x-stream-offset': 'first' } })
  return { schedule: (messages) => send(messages, 'log', ({ dueAt }) => ({ headers: { dueAt } })) }
}

/** A table with an index on the time, read again and again. */
export const databaseScan: Way = async ({ pool, now, defer }, onDue) => {
  await pool.query('CREATE TABLE lab_delayed (id int, due_at float8); CREATE INDEX ON lab_delayed (due_at)')
  defer(
    repeat(async () => {
      const { rows } = await pool.query<{ id: number }>(
        `WITH due AS (DELETE FROM lab_delayed WHERE due_at <= $1 RETURNING id, due_at)
         SELECT id FROM due ORDER BY due_at`,
        [now()],
      )
      for (const { id } of rows) onDue(id)
    }),
  )
  const insert = 'INSERT INTO lab_delayed SELECT * FROM unnest($1::int[], $2::float8[])'
  return {
    schedule: async (messages) => {
      await pool.query(insert, [messages.map(({ id }) => id), messages.map(({ dueAt }) => dueAt)])
    },
  }
}

/** In Redis, sorted by time. Several readers may find the same message; the one whose ZREM removes it has it. */
export const sortedSet: Way = async ({ world: { redis, keyPrefix }, now, defer }, onDue) => {
  const key = `${keyPrefix}delayed`
  defer(
    repeat(async () => {
      const ids = await redis.zrangebyscore(key, '-inf', now())
      const removed = await Promise.all(ids.map((id) => redis.zrem(key, id)))
      for (const [i, id] of ids.entries()) if (removed[i] === 1) onDue(Number(id))
    }),
  )
  return {
    async schedule(messages) {
      for (const slice of slicesOf(messages, AT_ONCE))
        await redis.zadd(key, ...slice.flatMap(({ id, dueAt }) => [dueAt, id]))
    },
  }
}

/** In the memory of this process. */
export const timingWheel: Way = async ({ defer }, onDue) => {
  const wheel = new TimingWheel(onDue)
  defer(() => wheel.stop())
  return {
    schedule: async (messages) => {
      for (const { id, delayMs } of messages) wheel.add(id, delayMs)
    },
  }
}

export async function consumeDue(broker: ChannelModel, onDue: (id: number) => void): Promise<void> {
  await declare(broker, DUE, { 'x-queue-type': 'quorum' })
  const channel = await broker.createChannel()
  await channel.prefetch(AT_ONCE)
  await channel.consume(DUE, (message) => {
    if (!message) return
    onDue(Number(message.content))
    channel.ack(message)
  })
}

/** @returns a function that sends messages to a queue, and waits until the broker has confirmed them all */
export async function openSender(broker: ChannelModel) {
  const channel = await broker.createConfirmChannel()
  return async (messages: Message[], queue: string, optionsOf: (message: Message) => object = () => ({})) => {
    for (const slice of slicesOf(messages, AT_ONCE)) {
      for (const message of slice) {
        const options = { persistent: true, ...optionsOf(message) }
        channel.sendToQueue(queue, Buffer.from(String(message.id)), options)
      }
      await channel.waitForConfirms()
    }
  }
}

export async function declare(broker: ChannelModel, queue: string, args: object): Promise<void> {
  const channel = await broker.createChannel()
  await channel.assertQueue(queue, { durable: true, arguments: args })
  await channel.close()
}

/** @returns a function that ends it, after the call that is under way */
function repeat(work: () => Promise<void>): () => Promise<void> {
  let isOver = false
  let timer: NodeJS.Timeout | undefined
  let running = Promise.resolve()
  const next = () => {
    running = work().then(() => {
      if (!isOver) timer = setTimeout(next, SCAN_MS)
    })
  }
  next()
  return async () => {
    isOver = true
    clearTimeout(timer)
    await running
  }
}
