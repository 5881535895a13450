import { z } from 'zod'
import { decode, ORDER_EVENT_VERSION, OrderEvent, type Unpacked, UnreadableMessage } from './messages.ts'

/**
 * What subscribers find in their queues, and how order events travel that cannot be handled yet: between a subscriber
 * and its own queues only.
 */

/** Its predecessor has not come; it comes again in a moment. */
export interface HeldEvent {
  heldTimes: number
  event: OrderEvent
}

/** Kept with the reason until an operator resends it. */
export const ParkedEvent = z.strictObject({
  reason: z.enum(['UNKNOWN_VERSION', 'OUT_OF_SEQUENCE', 'FORGOTTEN']),
  parkedAt: z.iso.datetime(),
  /** As it came: this version may not even understand it. */
  event: z.looseObject({}),
})
export type ParkedEvent = z.infer<typeof ParkedEvent>

/** One event of a message. */
export type Incoming =
  | { isKnown: true; event: OrderEvent; heldTimes: number }
  /** Of another version, newer or older: parked until a subscriber that knows it runs. */
  | { isKnown: false; event: z.infer<typeof Versioned> }

const Versioned = z.looseObject({ v: z.int() })
/** The forms of a message. An event that an operator resends travels alone. */
const Message = z.union([
  z.strictObject({ events: z.array(z.unknown()).min(1) }).transform(({ events }) => ({ events, heldTimes: 0 })),
  z
    .strictObject({ heldTimes: z.int().min(1), event: z.unknown() })
    .transform(({ heldTimes, event }) => ({ events: [event], heldTimes })),
  Versioned.transform((event) => ({ events: [event], heldTimes: 0 })),
])

/** Reads each event on its own. @throws UnreadableMessage when there is none of any version */
export function readIncoming(body: Buffer): Unpacked<Incoming> {
  const { events, heldTimes } = decode(Message, body)
  const items: Incoming[] = []
  const unreadable: unknown[] = []
  let why: string | undefined
  for (const entry of events) {
    const { success, data: event, error } = OrderEvent.safeParse(entry)
    const versioned = success ? undefined : Versioned.safeParse(entry).data
    if (success) items.push({ isKnown: true, event, heldTimes })
    else if (versioned && versioned.v !== ORDER_EVENT_VERSION) items.push({ isKnown: false, event: versioned })
    else {
      why ??= z.prettifyError(error)
      unreadable.push(entry)
    }
  }
  if (why === undefined) return { items, isWhole: true }
  if (items.length === 0) throw new UnreadableMessage(why)
  return { items, isWhole: false, why, unreadable }
}

/** The message of events that were taken out of another, for the dead letters. */
export const packIncoming = (items: Incoming[], unreadable: unknown[]): Buffer =>
  Buffer.from(JSON.stringify({ events: [...items.map(({ event }) => event), ...unreadable] }))
