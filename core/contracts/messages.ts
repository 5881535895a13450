import { z } from 'zod'
import { BuyerClaims } from './limit-per-buyer.ts'
import { AMOUNT_CENTS_MAX, PURCHASE_KEY_LENGTH_MAX, QUANTITY_MAX } from './values.ts'

/** One reservation that waits to become an order. */
export const Reservation = z.strictObject({
  reservationId: z.string().min(1).max(80),
  saleId: z.string().min(1).max(32),
  buyerId: z.string().min(1).max(255),
  /** Of the buyer's token; absent when it has none that a rule uses. */
  claims: BuyerClaims.optional(),
  /** By which the client names this purchase among the buyer's of the sale; absent when it does not. */
  key: z.string().min(1).max(PURCHASE_KEY_LENGTH_MAX).optional(),
  quantity: z.number().int().min(1).max(QUANTITY_MAX),
  /** Generation of the sale's Redis data that the unit was taken from. */
  epoch: z.number().int().min(1),
  /** Redis' clock when the unit was set aside, in ms since 1970. */
  reservedAtMs: z.number().int().positive(),
  /** What the buyer wants beside the units; absent when nothing. */
  couponCode: z.string().min(1).max(40).optional(),
  points: z.number().int().min(1).max(AMOUNT_CENTS_MAX).optional(),
  /** Number of the sale's terms (price and limit per buyer) that it was made under; absent for the first. */
  terms: z.number().int().min(1).optional(),
})
export type Reservation = z.infer<typeof Reservation>

/**
 * Most reservations that share one message: 64 cost the broker little more than one (36 and 11 µs of its CPU for each).
 */
export const RESERVATIONS_PER_MESSAGE_MAX = 64

/** What the gateway hands to the order service: the reservations that came together. Each is read on its own. */
export const ReservationBatch = z.strictObject({
  v: z.literal(2),
  reservations: z.array(z.unknown()).min(1).max(RESERVATIONS_PER_MESSAGE_MAX),
})
export interface ReservationBatch {
  v: 2
  reservations: Reservation[]
}

/**
 * Most orders that share one timeout message: they lapse in one transaction, which holds their sale's row meanwhile.
 */
export const ORDERS_PER_TIMEOUT_MAX = 256

/** Sent when orders are placed together, delivered when their payment window is over. Each id is read on its own. */
export const TimeoutMessage = z.strictObject({
  v: z.literal(2),
  orderIds: z.array(z.unknown()).min(1).max(ORDERS_PER_TIMEOUT_MAX),
})
export interface TimeoutMessage {
  v: 2
  orderIds: string[]
}

/** What an order's saga tells of itself; see docs/subscribers.md. */
export const SAGA_EVENT_TYPES = [
  'order.coupon-locked',
  'order.coupon-refused',
  'order.coupon-returned',
  'order.points-deducted',
  'order.points-refused',
  'order.points-returned',
  'order.vetoed',
  'order.saga-expired',
] as const
export type SagaEventType = (typeof SAGA_EVENT_TYPES)[number]

export const ORDER_EVENT_TYPES = [
  'order.created',
  'order.paid',
  'order.cancelled',
  'order.refunded',
  'reservation.rejected',
  ...SAGA_EVENT_TYPES,
] as const
export type OrderEventType = (typeof ORDER_EVENT_TYPES)[number]

/** The only version that is published and read. A subscriber parks events of any other version. */
export const ORDER_EVENT_VERSION = 3

/** One change of one order (or the end of a reservation that became none), for all subscribers. */
export const OrderEvent = z.strictObject({
  v: z.literal(ORDER_EVENT_VERSION).describe('version of this schema'),
  eventId: z.uuid().describe('the same however often it is delivered'),
  type: z.enum(ORDER_EVENT_TYPES),
  orderId: z.uuid().nullable().describe('null when the reservation became no order'),
  reservationId: z.string(),
  saleId: z.string(),
  buyerId: z.string(),
  quantity: z.int(),
  amountCents: z.int().describe('what is to pay, or was paid; 0 when there is no order'),
  couponCode: z.string().nullable().describe('the coupon that the order names'),
  points: z.int().min(0).describe('points that the order is to spend'),
  sequence: z.int().min(1).describe("position of the event in its order's history, from 1"),
  reason: z.string().optional().describe('why the order ended, the step failed or the reservation was rejected'),
  orderedAt: z.iso.datetime().describe("when the order was placed, by the database's clock"),
  at: z.iso.datetime().describe("when this happened, by the database's clock"),
  traceparent: z
    .string()
    .regex(/^00-[\da-f]{32}-[\da-f]{16}-01$/)
    .describe("W3C trace context: the trace is the reservation's, the parent of what a subscriber does the event"),
})
export type OrderEvent = z.infer<typeof OrderEvent>

/** The events that were published together, of many orders or one. Each is read on its own. */
export interface EventBatch {
  events: OrderEvent[]
}

/** A broker message that no consumer can ever use. */
export class UnreadableMessage extends Error {}

/** @throws UnreadableMessage when the body is not JSON or not of the schema. */
export function decode<Schema extends z.ZodType>(schema: Schema, body: Buffer): z.output<Schema> {
  let json: unknown
  try {
    json = JSON.parse(body.toString('utf8'))
  } catch {
    throw new UnreadableMessage(`expected JSON, got ${body.length} bytes that are not`)
  }
  const parsed = schema.safeParse(json)
  if (!parsed.success) throw new UnreadableMessage(z.prettifyError(parsed.error))
  return parsed.data
}

/** What could be read of a message. One that is incomplete needs an operator. */
export interface Unpacked<Item> {
  items: Item[]
  isWhole: boolean
  /** Of one that is not whole: what is wrong with the first entry that cannot be read. */
  why?: string | undefined
  /** The entries that cannot be read. */
  unreadable?: unknown[]
}

/** Reads each entry on its own, so that one that cannot be read does not take its neighbours along. */
export function readEach<Schema extends z.ZodType>(schema: Schema, entries: unknown[]): Unpacked<z.output<Schema>> {
  const read = entries.map((entry) => schema.safeParse(entry))
  const items = read.flatMap(({ success, data }) => (success ? [data] : []))
  const flaw = read.findIndex(({ success }) => !success)
  const error = read[flaw]?.error
  if (!error) return { items, isWhole: true }
  return {
    items,
    isWhole: false,
    why: `entry ${flaw + 1} of ${entries.length}: ${z.prettifyError(error)}`,
    unreadable: entries.filter((_, i) => !read[i]?.success),
  }
}
