import type { ConfirmChannel } from 'amqplib'
import type { Topology } from '../../contracts/topology.ts'
import { failpointOnceSent } from '../failpoint.ts'
import type { Logger } from '../log.ts'
import { connectRabbit, declare, openChannel } from './connection.ts'

export interface Outgoing {
  exchange: string
  routingKey: string
  messageId: string
  body: unknown
  headers?: Record<string, unknown>
  /** False for events that nobody need listen to, and for exchanges that do not know the flag. */
  mandatory?: boolean
}

/**
 * What is known of a publish. Only REFUSED says that the broker does *not* have the message; UNKNOWN (no confirm in
 * time, connection lost) may well have arrived and is never to be treated as failed.
 */
export type PublishOutcome = 'CONFIRMED' | 'REFUSED' | 'UNKNOWN'

export interface Publisher {
  /** `patienceMs`: how long the confirm is waited for; the publisher's own limit unless given. */
  publish: (message: Outgoing, patienceMs?: number) => Promise<PublishOutcome>
  /** Connected, and the broker takes messages. */
  isReady: () => boolean
  close: () => Promise<void>
}

export interface PublisherOptions {
  url: string
  name: string
  log: Logger
  topology: Topology
  confirmTimeoutMs: number
  /** Publishes whose confirm is awaited; more are not sent (UNKNOWN). */
  maxInFlight: number
}

/** On mandatory messages only: no other is returned, and to write it costs an order event a sixth of all its way. */
const PUBLISH_ID = 'x-publish-id'

/** Publishes persistently with confirms on a connection of its own. `publish` never throws. */
export async function createPublisher(options: PublisherOptions): Promise<Publisher> {
  const { log, topology, confirmTimeoutMs, maxInFlight } = options
  let channel: ConfirmChannel | undefined
  /** What the broker returned as unroutable: `return` comes before the message's ack. */
  const returned = new Set<number>()
  let published = 0
  const inFlight = new Set<Promise<PublishOutcome>>()

  const connection = await connectRabbit({
    ...options,
    async setup(model) {
      await declare(model, topology, log)
      const opened = await openChannel(model, log)
      opened.on('return', (message) => {
        const id: unknown = message.properties.headers?.[PUBLISH_ID]
        if (typeof id === 'number') returned.add(id)
      })
      opened.on('close', () => { if (channel === opened) channel = undefined })
      channel = opened
    },
  })

  function send(open: ConfirmChannel, { exchange, routingKey, messageId, body, headers, mandatory = true }: Outgoing, patienceMs: number) {
    // Not the message's id: the same message may be on its way twice, by the gateway and by a resender.
    const publishId = ++published
    return new Promise<PublishOutcome>((resolve) => {
      const timer = setTimeout(() => resolve('UNKNOWN'), patienceMs)
      const settle = (outcome: PublishOutcome) => {
        clearTimeout(timer)
        resolve(outcome)
      }
      const onConfirm = (error: Error | null) => {
        const unroutable = returned.delete(publishId)
        if (error) settle(error.message === 'message nacked' ? 'REFUSED' : 'UNKNOWN')
        else settle(unroutable ? 'REFUSED' : 'CONFIRMED')
      }
      try {
        open.publish(exchange, routingKey, Buffer.from(JSON.stringify(body)), {
          persistent: true, mandatory, messageId, contentType: 'application/json', headers: mandatory ? { ...headers, [PUBLISH_ID]: publishId } : headers,
        }, onConfirm)
        failpointOnceSent('publisher.beforeConfirm')
      } catch (error) {
        log.debug({ err: error }, 'channel closed under a publish')
        settle('UNKNOWN')
      }
    })
  }

  const isReady = () => channel !== undefined && connection.isUp() && !connection.isBlocked()

  return {
    isReady,
    async publish(message, patienceMs = confirmTimeoutMs) {
      if (!isReady() || channel === undefined || inFlight.size >= maxInFlight) return 'UNKNOWN'
      const outcome = send(channel, message, patienceMs)
      inFlight.add(outcome)
      try {
        return await outcome
      } finally {
        inFlight.delete(outcome)
      }
    },
    async close() {
      await Promise.allSettled(inFlight)
      await connection.close()
    },
  }
}
