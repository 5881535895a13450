import { z } from 'zod'
import { decode, ORDER_EVENT_VERSION, OrderEvent, type Unpacked, UnreadableMessage } from './messages.ts'

/**
 * How order events travel that cannot be handled yet: between a subscriber and its own queues only.
 */

/** Its predecessor has not come; it comes again in a moment. */
const HeldEvent = z.strictObject({
  heldTimes: z.int().min(1),
  event: OrderEvent,
})
export type HeldEvent = z.output<typeof HeldEvent>

/** Kept with the reason until an operator resends it. */
export const ParkedEvent = z.strictObject({
  reason: z.enum(['UNKNOWN_VERSION', 'OUT_OF_SEQUENCE', 'FORGOTTEN']),
  parkedAt: z.iso.datetime(),
  /** As it came: this version may not even understand it. */
  event: z.looseObject({}),
})
export type ParkedEvent = z.infer<typeof ParkedEvent>

/** What a subscriber finds in its queue. */
export type Incoming =
  | { isKnown: true; event: OrderEvent; heldTimes: number }
  /** Of another version, newer or older: parked until a subscriber that knows it runs. */
  | { isKnown: false; event: z.infer<typeof Versioned> }

const Versioned = z.looseObject({ v: z.int() })
const Either = z.union([HeldEvent, Versioned])

/** @throws UnreadableMessage when it is no event of any version. */
export function readIncoming(body: Buffer): Unpacked<Incoming> {
  const message = decode(Either, body)
  if (!('v' in message)) return one({ isKnown: true, event: message.event, heldTimes: message.heldTimes })
  if (message.v !== ORDER_EVENT_VERSION) return one({ isKnown: false, event: message })
  const { success, data, error } = OrderEvent.safeParse(message)
  if (!success) throw new UnreadableMessage(z.prettifyError(error))
  return one({ isKnown: true, event: data, heldTimes: 0 })
}

const one = (item: Incoming): Unpacked<Incoming> => ({ items: [item], isWhole: true })
