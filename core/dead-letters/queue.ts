import { setTimeout as sleep } from 'node:timers/promises'
import type { Channel, ChannelModel, Message } from 'amqplib'
import type { DeadLetter } from '../contracts/control-room.ts'
import { subscriberQueues } from '../contracts/subscriber-topology.ts'
import { DEAD_LETTERS, deadLetterTopology } from '../contracts/topology.ts'
import type { Logger } from '../platform/process/log.ts'
import { confirming, type Outgoing, type PublishOutcome } from '../platform/rabbit/confirmed.ts'
import { openChannel } from '../platform/rabbit/connection.ts'
import { visitBroker } from '../platform/rabbit/visit-broker.ts'
import { withoutDeath } from '../platform/rabbit/dead-letters.ts'
import { declare } from '../platform/rabbit/declare.ts'
import { parkedIn, readDeadLetter } from './dead-letter.ts'

const CONFIRM_LIMIT_MS = 5_000
/** Then another visitor has them in hand. */
const BACK_LIMIT_MS = 5_000
const BACK_CHECK_MS = 10
const VISITOR = 'dead letters'
/** Some 5 s at the broker. Of more, what is looked at falls behind the others, since it has been taken and put back. */
export const LETTERS_READ_MAX = 10_000

export interface Broker {
  url: string
  log: Logger
  /** The subscriber whose dead letters are meant; the shop's by default. */
  of?: string | undefined
  /** The subscriber's parked events instead of its dead letters. */
  isParked?: boolean | undefined
}

/** Which letters are meant; at most `most` are looked at. */
export interface Choice {
  ids: string[] | 'all'
  most?: number
}

export interface SentBack {
  sent: DeadLetter[]
  /** Still among the dead letters: the queue refused it or is gone, or no confirm came (then it may be there twice). */
  kept: { letter: DeadLetter; outcome: Exclude<PublishOutcome, 'CONFIRMED'> | 'NO_QUEUE' }[]
}

/** Which letter a page of the list ended with. */
export type LetterPlace = [at: string, id: string]
export const letterPlace = ({ at, id }: DeadLetter): LetterPlace => [at ?? '', id]

/**
 * Where the list goes on. A letter that was sent back meanwhile is no mark any more: some are then shown again, none is
 * missed.
 */
function indexAfter(letters: DeadLetter[], after: LetterPlace | undefined): number {
  if (!after) return 0
  const last = letters.findLastIndex((letter) => letter.id === after[1] && letterPlace(letter)[0] === after[0])
  if (last >= 0) return last + 1
  const next = letters.findIndex((letter) => letterPlace(letter)[0] >= after[0])
  return next < 0 ? letters.length : next
}

/**
 * Shows the oldest of the first 10,000 after that place, and how many there are; takes none. @throws when the broker
 * does not answer
 */
export async function listDeadLetters(
  broker: Broker,
  most: number,
  after?: LetterPlace,
): Promise<{ count: number; letters: DeadLetter[] }> {
  const letters: DeadLetter[] = []
  // To their end also where few are shown: put back in the middle, those few would change their place.
  const count = await visitBroker(broker.url, VISITOR, broker.log, (model) =>
    forEachLetter(model, broker, LETTERS_READ_MAX, (message) => {
      letters.push(readDeadLetter(message))
      return Promise.resolve('KEEP')
    }),
  )
  const sorted = letters.sort((a, b) => (a.at ?? '').localeCompare(b.at ?? ''))
  const from = indexAfter(sorted, after)
  return { count, letters: sorted.slice(from, from + most) }
}

/**
 * Publishes letters to the queue each comes from, a subscriber's to its exchange, and removes what the broker confirmed;
 * a crash in between makes a second copy, which every consumer takes. Ends at the first one without a confirm, and of a
 * subscriber also at the first refused one, so that its events stay in sequence.
 */
export async function sendBack(broker: Broker, { ids, most = Infinity }: Choice): Promise<SentBack> {
  const result: SentBack = { sent: [], kept: [] }
  const { url, log } = broker
  await visitBroker(url, VISITOR, log, async (model) => {
    const send = confirming(await openChannel(model, log), log)
    await forEachLetter(model, broker, most, async (message) => {
      const letter = readDeadLetter(message)
      if (ids !== 'all' && !ids.includes(letter.id)) return 'KEEP'
      const outgoing = again(broker, message, letter.queue)
      const outcome = outgoing ? await send(outgoing, CONFIRM_LIMIT_MS) : 'NO_QUEUE'
      if (outcome === 'CONFIRMED') result.sent.push(letter)
      else result.kept.push({ letter, outcome })
      if (outcome === 'CONFIRMED') return 'REMOVE'
      return outcome === 'UNKNOWN' || broker.of !== undefined ? 'END' : 'KEEP'
    })
  })
  return result
}

function again({ of, isParked }: Broker, message: Message, queue: string | null): Outgoing | undefined {
  if (of === undefined && queue === null) return undefined
  const { content, properties } = message
  return {
    exchange: of === undefined ? '' : subscriberQueues(of, 0, []).exchange,
    routingKey: of === undefined && queue !== null ? queue : 'resent',
    messageId: String(properties.messageId ?? ''),
    correlationId: properties.correlationId as string | undefined,
    // What is no parked event goes as it is: the subscriber puts it with its dead letters.
    body: (isParked && parkedIn(content)?.event) || content,
    headers: withoutDeath(message),
  }
}

/** Removes letters for good. @returns them, so that the caller can keep them */
export async function dropDeadLetters(broker: Broker, ids: string[]): Promise<DeadLetter[]> {
  const dropped: DeadLetter[] = []
  await visitBroker(broker.url, VISITOR, broker.log, (model) =>
    forEachLetter(model, broker, Infinity, (message) => {
      const letter = readDeadLetter(message)
      if (!ids.includes(letter.id)) return Promise.resolve('KEEP')
      dropped.push(letter)
      return Promise.resolve('REMOVE')
    }),
  )
  return dropped
}

/**
 * Goes once through the letters that are there now. Each is held until the end, so that none is met twice; closing the
 * channel then puts back what was not removed, in its order. @returns how many there were
 */
async function forEachLetter(
  model: ChannelModel,
  { log, of, isParked }: Broker,
  most: number,
  visit: (message: Message) => Promise<'KEEP' | 'REMOVE' | 'END'>,
): Promise<number> {
  // A subscriber's is not made here: a mistyped name is to be told.
  if (of === undefined) await declare(model, deadLetterTopology, log)
  const queue = of === undefined ? DEAD_LETTERS : subscriberQueues(of, 0, [])[isParked ? 'parked' : 'deadLetters']
  const channel = await openChannel(model, log)
  const { messageCount } = await channel.checkQueue(queue)
  let kept = 0
  for (let looked = 0; looked < Math.min(messageCount, most); looked++) {
    const message = await channel.get(queue)
    if (message === false) break // Another run reads the queue, too.
    const verdict = await visit(message)
    if (verdict === 'REMOVE') channel.ack(message)
    else kept++
    if (verdict === 'END') break
  }
  await channel.close()
  if (kept > 0) await untilBack(await openChannel(model, log), queue, kept)
  return messageCount
}

/** The broker puts back what a channel held some moments after it was closed, and who looks next shall find it. */
async function untilBack(channel: Channel, queue: string, count: number): Promise<void> {
  const untilMs = performance.now() + BACK_LIMIT_MS
  while ((await channel.checkQueue(queue)).messageCount < count && performance.now() < untilMs)
    await sleep(BACK_CHECK_MS)
  await channel.close()
}
