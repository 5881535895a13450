import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '../../test/support/eventually.ts'
import type { Place } from '../frame/place.ts'
import type { Entry } from './entry.ts'
import { openPostgresTopic } from './postgres.ts'
import { openRabbitmqTopic } from './rabbitmq.ts'
import { openRedisTopic } from './redis.ts'
import type { Candidate, Topic } from './topic.ts'

/** Messages that follow one another have the same key, as the events of an order do. */
const PER_KEY = 4
const keyOf = (message: number) => Math.ceil(message / PER_KEY)
/** Most messages are quick to handle, some take longer: a slow disk, a lock, a garbage collection. */
const SLOW = { share: 0.4, ms: 25 }
const LONG_MS = 2_000
const SHORT_MS = 200

/** One queue without partitions, on the servers of the place; two consumers take one message at a time. */
export async function shareOneQueue(place: Place<Entry>): Promise<void> {
  const { random, now, amount } = place
  for (const candidate of ['classic', 'quorum', 'stream', 'redis', 'postgres'] as const) {
    const topic = await openOne(place, candidate, 'shared')
    const messages = Array.from({ length: amount(200, 40) }, (_, i) => ({ id: i + 1, key: keyOf(i + 1) }))
    await topic.publish(messages)
    for (const { id, key } of messages)
      place.record({ candidate, did: 'CONFIRMED', phase: 'one-queue', at: now(), message: id, key })
    const came = new Set<number>()
    const stop = await topic.consume({ reader: 'all', atOnce: 1 }, async (message, consumer) => {
      await sleep(random.chance(SLOW.share) ? SLOW.ms : 1)
      place.record({ candidate, did: 'CAME', phase: 'one-queue', at: now(), message, key: keyOf(message), consumer })
      came.add(message)
    })
    await eventually(
      'all messages',
      () => came.size,
      (size) => size === messages.length,
    )
    await stop()
  }
}

/** Delayed messages in a log: a reader takes them in their order, and waits until each is due. */
export async function delayInLog(place: Place<Entry>): Promise<void> {
  await Promise.all((['stream', 'redis'] as const).map((candidate) => delayIn(place, candidate)))
}

async function delayIn(place: Place<Entry>, candidate: Candidate): Promise<void> {
  const { now } = place
  const topic = await openOne(place, candidate, 'delayed')
  const delays = [LONG_MS, LONG_MS, LONG_MS, SHORT_MS, SHORT_MS, SHORT_MS]
  const sentAt = now()
  await topic.publish(delays.map((_, i) => ({ id: i + 1, key: 0 })))
  for (const [i, delay] of delays.entries()) {
    const times = { at: now(), sentAt, dueAt: sentAt + delay }
    place.record({ candidate, did: 'CONFIRMED', phase: 'delay', message: i + 1, key: i, ...times })
  }
  const came = new Set<number>()
  const stop = await topic.consume({ reader: 'all', atOnce: 1 }, async (message, consumer) => {
    await sleep(Math.max(0, sentAt + (delays[message - 1] ?? 0) - now()))
    place.record({ candidate, did: 'CAME', phase: 'delay', at: now(), message, consumer })
    came.add(message)
  })
  await eventually(
    'all messages',
    () => came.size,
    (size) => size === delays.length,
  )
  await stop()
}

async function openOne({ broker, world, pool }: Place<Entry>, candidate: Candidate, name: string): Promise<Topic> {
  if (candidate === 'redis') return openRedisTopic(world.redis, `${world.keyPrefix}${name}`, 1)
  if (candidate === 'postgres') return openPostgresTopic(pool, `lab_${name}`, 1)
  return openRabbitmqTopic(broker, candidate as 'classic' | 'quorum' | 'stream', name, 1)
}
