import type { Message } from 'amqplib'
import { Counter, type Registry } from 'prom-client'
import { DEAD_LETTERS, deadLetterTopology, type Topology } from '../../contracts/topology.ts'
import type { Logger } from '../process/log.ts'
import { counter } from '../process/metrics.ts'
import { confirming, PUBLISH_ID, type PublishOutcome } from './confirmed.ts'
import { openChannel } from './connection.ts'
import { visitBroker } from './visit-broker.ts'
import { declare } from './declare.ts'

/** Why a consumer cannot use a message. */
export interface Flaw {
  /** `unreadable` by its schema, or `refused` as data by the store. */
  reason: 'unreadable' | 'refused'
  why: string
}

/** Headers of a dead letter. The broker's own (x-death) has "rejected" and the queue, but no reason. */
export const DEATH = {
  queue: 'x-letter-queue',
  reason: 'x-letter-reason',
  why: 'x-letter-why',
  at: 'x-letter-at',
} as const

const WHY_MAX = 300
const CONFIRM_LIMIT_MS = 2_000

/** Where dead letters are kept: one queue for the shop, one for each subscriber. */
export interface DeadLetterTarget {
  topology: Topology
  exchange: string
  /** By default the queue that the letter comes from. */
  routingKey?: string
}
const SHARED: DeadLetterTarget = { topology: deadLetterTopology, exchange: DEAD_LETTERS }

export interface UnusableMessage {
  message: Message
  queue: string
  flaw: Flaw
}

/**
 * Publishes messages to the dead letters, with the reason. Only what is CONFIRMED may be acknowledged; a crash before
 * that makes a second dead letter. The connection is made for it: on the consumer's own, an alarm of the broker would
 * hold back its acknowledgements, too. Never throws.
 */
export async function deadLetter(
  url: string,
  name: string,
  deadLetters: UnusableMessage[],
  log: Logger,
  deadLetterTarget = SHARED,
): Promise<PublishOutcome[]> {
  try {
    return await visitBroker(url, `${name} dead letters`, log, async (model) => {
      await declare(model, deadLetterTarget.topology, log)
      const send = confirming(await openChannel(model, log), log)
      return await Promise.all(
        deadLetters.map(({ message, queue, flaw }) =>
          send(
            {
              exchange: deadLetterTarget.exchange,
              routingKey: deadLetterTarget.routingKey ?? queue,
              messageId: String(message.properties.messageId ?? ''),
              correlationId: message.properties.correlationId as string | undefined,
              body: message.content,
              headers: { ...withoutDeath(message), ...deathNote(queue, flaw) },
            },
            CONFIRM_LIMIT_MS,
          ),
        ),
      )
    })
  } catch (error) {
    log.warn({ err: error }, 'the reasons of dead letters could not be kept')
    return deadLetters.map(() => 'UNKNOWN')
  }
}

function deathNote(queue: string, { reason, why }: Flaw): Record<string, string> {
  const line = why.replaceAll(/\s+/g, ' ').trim()
  return {
    [DEATH.queue]: queue,
    [DEATH.reason]: reason,
    [DEATH.why]: line.slice(0, WHY_MAX),
    [DEATH.at]: new Date().toISOString(),
  }
}

/** The message's own headers, without those of an earlier dead letter or of the publish that brought it. */
export function withoutDeath({ properties }: Message): Record<string, unknown> {
  const notes = new Set<string>([...Object.values(DEATH), PUBLISH_ID, 'x-death', 'x-delivery-count'])
  return Object.fromEntries(
    Object.entries(properties.headers ?? {}).filter(
      ([header]) => !notes.has(header) && !/^x-(first|last)-death-/.test(header),
    ),
  )
}

/**
 * Counts what a consumer sends to the dead letters; those that the broker sends (delivery limit) show in their number
 * only.
 */
export function deadLetterCounter(registry: Registry | undefined): (queue: string, reason: Flaw['reason']) => void {
  if (!registry) return () => {}
  const name = 'seckill_dead_lettered_total'
  const known = registry.getSingleMetric(name)
  const deadLettered = known instanceof Counter ? known : counter(registry, name)
  return (queue, reason) => deadLettered.inc({ queue, reason })
}
