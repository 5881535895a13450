import { createHash } from 'node:crypto'
import type { Message } from 'amqplib'
import type { DeadLetter } from '../contracts/control-room.ts'
import { decode, UnreadableMessage } from '../contracts/messages.ts'
import { ParkedEvent } from '../contracts/set-aside.ts'
import { DEATH } from '../platform/rabbit/dead-letters.ts'

const BEGINNING_MAX = 200

export function readDeadLetter(message: Message): DeadLetter {
  const { content } = message
  const death = noteOf(message) ??
    brokersNoteOf(message) ??
    parkingOf(message) ?? { queue: null, reason: 'unknown', why: null, at: null }
  const mark = createHash('sha256')
    .update(JSON.stringify([death, message.properties.messageId]))
    .update(content)
  return { id: mark.digest('hex').slice(0, 12), ...death, bytes: content.length, beginning: printable(content) }
}

type Death = Pick<DeadLetter, 'queue' | 'reason' | 'why' | 'at'>

/** Left by a consumer of ours (see `deadLetter`). */
function noteOf({ properties: { headers = {} } }: Message): Death | undefined {
  const queue = text(headers[DEATH.queue])
  return queue === null
    ? undefined
    : {
        queue,
        reason: text(headers[DEATH.reason]) ?? 'unknown',
        why: text(headers[DEATH.why]),
        at: text(headers[DEATH.at]),
      }
}

/** The broker's list has the latest death first: a timeout message has expired, too, on its regular way. */
function brokersNoteOf({ properties: { headers } }: Message): Death | undefined {
  const [latest] = headers?.['x-death'] ?? []
  if (!latest) return undefined
  return {
    queue: latest.queue,
    reason: latest.reason,
    why: null,
    at: new Date(latest.time.value * 1_000).toISOString(),
  }
}

function parkingOf({ content }: Message): Death | undefined {
  const parked = parkedIn(content)
  return parked && { queue: null, reason: parked.reason, why: null, at: parked.parkedAt }
}

/** The parked event of a message, if it holds one. */
export function parkedIn(content: Buffer): ParkedEvent | undefined {
  try {
    return decode(ParkedEvent, content)
  } catch (error) {
    if (error instanceof UnreadableMessage) return undefined
    throw error
  }
}

const text = (value: unknown) => (typeof value === 'string' ? value : null)

/** Untrusted content: no control sequences in a terminal. */
function printable(content: Buffer): string {
  return content.subarray(0, BEGINNING_MAX).toString('utf8').replaceAll(/\p{C}/gu, '·')
}
