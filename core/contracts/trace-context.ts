import { createHash } from 'node:crypto'

/** Names a span, as W3C trace context does: 128 and 64 bits in hex. */
export interface SpanContext {
  traceId: string
  spanId: string
}

/**
 * The trace of a purchase, from its HTTP request to its refund. It is the reservation itself, whose 128 random bits are
 * just what a trace id is: every message and event names its reservation, so nothing has to be stored or passed on.
 */
export function traceIdOf(reservationId: string): string {
  const bits = Buffer.from(reservationId.slice(reservationId.lastIndexOf('.') + 1), 'base64url')
  // Not all programs that send reservations draw 128 bits.
  return (bits.length === 16 ? bits : createHash('sha256').update(reservationId).digest().subarray(0, 16)).toString(
    'hex',
  )
}

/** The purchase's HTTP request, the parent of all spans of the reservation. */
export function rootOf(reservationId: string): SpanContext {
  const traceId = traceIdOf(reservationId)
  return { traceId, spanId: traceId.slice(0, 16) }
}

/** The publishing of an event, the parent of its effects. */
export function eventSpan({ reservationId, eventId }: { reservationId: string; eventId: string }): SpanContext {
  return { traceId: traceIdOf(reservationId), spanId: eventId.replaceAll('-', '').slice(0, 16) }
}

/**
 * W3C trace context, as the header `traceparent` and events carry it. It is always marked as sampled: whether a trace is
 * exported each service decides by the trace id, and failures are exported of every trace.
 */
export const traceparentOf = ({ traceId, spanId }: SpanContext): string => `00-${traceId}-${spanId}-01`

const TRACEPARENT = /^[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-[\da-f]{2}(?:-|$)/

/** Undefined when the header is absent or malformed. */
export function readTraceparent(header: unknown): SpanContext | undefined {
  const [, traceId, spanId] = (typeof header === 'string' && TRACEPARENT.exec(header)) || []
  return traceId !== undefined && spanId !== undefined ? { traceId, spanId } : undefined
}
