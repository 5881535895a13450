import type { ConfirmChannel } from 'amqplib'
import { failpointOnceSent } from '../process/failpoint.ts'
import type { Logger } from '../process/log.ts'

export interface Outgoing {
  exchange: string
  routingKey: string
  messageId: string
  /** The partition key: messages with the same one go to the same partition. */
  correlationId?: string | undefined
  /** A Buffer is sent as it is, everything else as JSON. */
  body: unknown
  headers?: Record<string, unknown> | undefined
  /** False for events that need no subscriber, and for exchanges that do not know the flag. */
  mandatory?: boolean
}

/**
 * What is known of a publish. Only REFUSED says that the broker does *not* have the message; UNKNOWN (no confirm in
 * time, connection lost) may have arrived and must never be treated as failed.
 */
export type PublishOutcome = 'CONFIRMED' | 'REFUSED' | 'UNKNOWN'

/**
 * Which publish a returned message belongs to: the same message, with the same messageId, may be in flight twice. On
 * mandatory messages only: no other is returned, and the header would add a sixth to the cost of an order event.
 */
export const PUBLISH_ID = 'x-publish-id'

/**
 * Returns a function that publishes persistently on this channel and waits `patienceMs` for the confirm. It never
 * throws.
 */
export function confirming(channel: ConfirmChannel, log: Logger, onReturned = () => {}) {
  /** Publish ids that the broker returned as unroutable: `return` comes before the ack. */
  const returned = new Set<number>()
  let published = 0
  channel.on('return', (message) => {
    const id: unknown = message.properties.headers?.[PUBLISH_ID]
    if (typeof id === 'number') returned.add(id)
    onReturned()
  })

  return (
    { exchange, routingKey, messageId, correlationId, body, headers, mandatory = true }: Outgoing,
    patienceMs: number,
  ): Promise<PublishOutcome> => {
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
        channel.publish(
          exchange,
          routingKey,
          Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body)),
          {
            persistent: true,
            mandatory,
            messageId,
            contentType: 'application/json',
            ...(correlationId === undefined ? {} : { correlationId }),
            headers: mandatory ? { ...headers, [PUBLISH_ID]: publishId } : headers,
          },
          onConfirm,
        )
        failpointOnceSent('publisher.beforeConfirm')
      } catch (error) {
        log.debug({ err: error }, 'channel closed under a publish')
        settle('UNKNOWN')
      }
    })
  }
}
