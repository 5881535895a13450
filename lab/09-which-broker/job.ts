import { setTimeout as sleep } from 'node:timers/promises'
import { slicesOf } from '../../core/platform/batches/divide.ts'
import { eventually } from '../../test/support/eventually.ts'
import type { Place } from '../frame/place.ts'
import { LIMIT_MS, PARTITIONS, readAll, type Recorder, whileConsuming } from './consuming.ts'
import type { Entry, Phase } from './entry.ts'
import type { Candidate, Message, Server, Topic } from './topic.ts'
import type { StartServer } from './servers.ts'

const KEYS = 40
const SENDERS = 4
/** Messages that a sender publishes before it waits for their confirms. */
const BATCH = 50
const PACE_MS = 5
/** A long delay before a short one, again and again. */
const DELAYS_MS = [2_000, 200]

/** The same job for all candidates of a server, in two parts. */
export interface Job {
  /** One candidate after the other. */
  measure(): Promise<void>
  /** Delays messages; kills the server and looks what is left. No rate is measured here. */
  delayAndKill(): Promise<void>
}

export async function openJob(place: Place<Entry>, start: StartServer, candidates: Candidate[]): Promise<Job> {
  const server = await start(place)
  const recorderOf = (candidate: Candidate, phase: Phase): Recorder => {
    return (entry) => place.record({ candidate, phase, at: place.now(), ...entry })
  }
  // Opened first: RabbitMQ 3.10 answers a declaration a second or so before the queue's name is on the disk.
  const kept = await openAll(server, candidates, 'kept')
  const delayed = await openAll(server, candidates, 'delayed')
  return {
    async measure() {
      for (const candidate of candidates)
        await measure(place, server, candidate, (phase) => recorderOf(candidate, phase))
    },
    async delayAndKill() {
      await Promise.all(delayed.map(({ candidate, topic }) => delay(place, topic, recorderOf(candidate, 'delay'))))
      for (const { candidate, topic } of kept)
        await publish(place, topic, messagesOf(place, 1, place.amount(1_000, 50)), recorderOf(candidate, 'kill'))
      await server.kill()
      for (const candidate of candidates) recorderOf(candidate, 'kill')({ did: 'KILLED' })
      const again = await start(place)
      for (const { candidate, topic } of await openAgain(again, candidates, 'kept'))
        for (const message of await readAll(topic, 'all')) recorderOf(candidate, 'kill')({ did: 'LEFT', message })
      await again.kill()
    },
  }
}

async function measure(
  place: Place<Entry>,
  server: Server,
  candidate: Candidate,
  record: (phase: Phase) => Recorder,
): Promise<void> {
  record('rush')({ did: 'BEGAN', text: server.version })
  // The first messages are slower: code is compiled, files are created.
  await rush(place, await server.open(candidate, 'warm_up', PARTITIONS), place.amount(1_000, 50), () => {})
  const topic = await server.open(candidate, 'job', PARTITIONS)
  await rush(place, topic, place.amount(5_000, 100), record('rush'))
  await paced(place, topic, record('paced'))
  for (const message of await readAll(topic, 'later-reader')) record('rush')({ did: 'AGAIN', message })
  if (topic.rollBack) await rollBack(topic, record('rollback'))
}

async function openAll(server: Server, candidates: Candidate[], name: string) {
  const opening = candidates.map(async (candidate) => ({
    candidate,
    topic: await server.open(candidate, name, PARTITIONS),
  }))
  return Promise.all(opening)
}

/** RabbitMQ refuses a stream whose leader has not been elected again yet. */
async function openAgain(server: Server, candidates: Candidate[], name: string) {
  const open = () => openAll(server, candidates, name).catch(({ message }: Error) => message)
  const opened = await eventually('all queues', open, (seen) => typeof seen !== 'string', LIMIT_MS)
  return typeof opened === 'string' ? [] : opened
}

function messagesOf({ random }: Pick<Place<Entry>, 'random'>, from: number, count: number): Message[] {
  return Array.from({ length: count }, (_, i) => {
    const sender = i % SENDERS
    // All messages of a key have the same sender, which sends them in their order.
    return { id: from + i, key: sender + SENDERS * random.between(0, KEYS / SENDERS - 1) }
  })
}

/** Several senders at once, each of which waits until a batch is confirmed before it sends the next one. */
async function publish({ now }: Place<Entry>, topic: Topic, messages: Message[], record: Recorder): Promise<void> {
  const sending = Array.from({ length: SENDERS }, async (_, sender) => {
    const own = messages.filter((_message, i) => i % SENDERS === sender)
    for (const batch of slicesOf(own, BATCH)) {
      const sentAt = now()
      await topic.publish(batch)
      for (const { id, key } of batch) record({ did: 'CONFIRMED', message: id, key, sentAt })
    }
  })
  await Promise.all(sending)
}

/** First all messages are published, then two consumers take them. */
async function rush(place: Place<Entry>, topic: Topic, count: number, record: Recorder): Promise<void> {
  const messages = messagesOf(place, 1, count)
  await publish(place, topic, messages, record)
  await whileConsuming(topic, messages, record, async () => {})
}

/** Messages one at a time, to consumers that wait for them. */
async function paced(place: Place<Entry>, topic: Topic, record: Recorder): Promise<void> {
  const { now, amount } = place
  const messages = messagesOf(place, 1_000_001, amount(400, 30))
  await whileConsuming(topic, messages, record, async () => {
    const sending: Promise<void>[] = []
    const send = async (message: Message) => {
      const sentAt = now()
      await topic.publish([message])
      record({ did: 'CONFIRMED', message: message.id, key: message.key, sentAt })
    }
    for (const message of messages) {
      sending.push(send(message))
      await sleep(PACE_MS)
    }
    await Promise.all(sending)
  })
}

/** Short delays behind long ones, in the candidate's own way, where it has one. */
async function delay({ now, amount }: Place<Entry>, topic: Topic, record: Recorder): Promise<void> {
  if (!topic.publishDelayed) return
  const messages = Array.from({ length: amount(40, 8) }, (_, i) => ({
    id: i + 1,
    key: i % KEYS,
    delayMs: DELAYS_MS[i % DELAYS_MS.length] ?? 0,
  }))
  const sentAt = now()
  await topic.publishDelayed(messages)
  for (const { id, key, delayMs } of messages)
    record({ did: 'CONFIRMED', message: id, key, sentAt, dueAt: sentAt + delayMs })
  await whileConsuming(topic, messages, record, async () => {})
}

async function rollBack(topic: Topic, record: Recorder): Promise<void> {
  const message = { id: 2_000_001, key: 0 }
  await topic.rollBack?.([message])
  record({ did: 'ROLLED_BACK', message: message.id, key: message.key })
  for (const id of await readAll(topic, 'after-rollback')) record({ did: 'CAME', message: id })
}
