import type { OrderEvent } from '../../core/contracts/messages.ts'
import type { HeldEvent, ParkedEvent } from '../../core/contracts/set-aside.ts'
import { HELD_MS, type SubscriberQueues } from '../../core/contracts/subscriber-topology.ts'
import { partitionKeyOf } from '../../core/orders/event-messages.ts'
import type { Outgoing, Publisher } from '../../core/platform/rabbit/publisher.ts'
import { TryAgain } from './subscriber.ts'

export interface AsideDeps {
  queues: SubscriberQueues
  publisher: Publisher
  /** For a missing predecessor. */
  waitMs: number
}

export type SetAside = 'HELD' | ParkedEvent['reason']

/**
 * For an event whose predecessor is missing: it comes again in a moment, and when it has come often enough it is
 * parked.
 */
export async function hold(deps: AsideDeps, event: OrderEvent, heldTimes: number): Promise<SetAside> {
  if (heldTimes * HELD_MS >= deps.waitMs) return await park(deps, event, 'OUT_OF_SEQUENCE')
  const held: HeldEvent = { heldTimes: heldTimes + 1, event }
  await send(deps, { exchange: '', routingKey: deps.queues.held }, event, held)
  return 'HELD'
}

export async function park(
  deps: AsideDeps,
  event: ParkedEvent['event'],
  reason: ParkedEvent['reason'],
): Promise<SetAside> {
  const parked: ParkedEvent = { reason, parkedAt: new Date().toISOString(), event }
  await send(deps, { exchange: '', routingKey: deps.queues.parked }, event, parked)
  return reason
}

type To = Pick<Outgoing, 'exchange' | 'routingKey'>

/** Only then may the event be acknowledged where it came from. @throws TryAgain unless the broker has confirmed. */
async function send(
  { publisher }: Pick<AsideDeps, 'publisher'>,
  to: To,
  event: ParkedEvent['event'],
  body: object,
): Promise<void> {
  const [eventId, orderId] = [event.eventId, event.orderId].map((id) => (typeof id === 'string' ? id : null))
  const correlationId = partitionKeyOf({ orderId: orderId ?? null, eventId: eventId ?? '' })
  const message: Outgoing = { ...to, messageId: eventId ?? '', body, correlationId }
  const outcome = await publisher.publish(message)
  if (outcome !== 'CONFIRMED') throw new TryAgain(`${to.exchange || to.routingKey}: publish ${outcome}`)
}
