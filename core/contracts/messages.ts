import { z } from 'zod'

/** One reservation that waits to become an order. */
export const Reservation = z.strictObject({
  reservationId: z.string().min(1).max(80),
  saleId: z.string().min(1).max(32),
  buyerId: z.string().min(1).max(64),
  quantity: z.number().int().min(1).max(1_000),
  /** Generation of the sale's Redis data that the unit was taken from. */
  epoch: z.number().int().min(1),
  /** Redis' clock when the unit was set aside, in ms since 1970. */
  reservedAtMs: z.number().int().positive(),
})
export type Reservation = z.infer<typeof Reservation>

/** Most reservations that share one message: 64 cost the broker little more than one (56 to 7 µs of its CPU each). */
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

/** Sent when an order is placed, delivered when its payment window is over. */
export const TimeoutMessage = z.strictObject({
  v: z.literal(1),
  orderId: z.uuid(),
})
export type TimeoutMessage = z.infer<typeof TimeoutMessage>

const ORDER_EVENT_TYPES = ['order.created', 'order.paid', 'order.cancelled', 'order.refunded', 'reservation.rejected'] as const

/** One change of one order (or the end of a reservation that became none), told to whoever subscribes. */
export const OrderEvent = z.strictObject({
  v: z.literal(1),
  eventId: z.uuid(),
  type: z.enum(ORDER_EVENT_TYPES),
  orderId: z.uuid().nullable(),
  reservationId: z.string(),
  saleId: z.string(),
  buyerId: z.string(),
  quantity: z.number().int(),
  /** Position of the event in its order's history, from 1. */
  sequence: z.number().int().min(1),
  reason: z.string().optional(),
  at: z.iso.datetime(),
})
export type OrderEvent = z.infer<typeof OrderEvent>

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
