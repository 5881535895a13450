import type { IncomingMessage } from 'node:http'
import { LRUCache } from 'lru-cache'
import { ReservationRequest } from '../core/contracts/purchases.ts'
import { PurchaseKey } from '../core/contracts/values.ts'
import { parseJson, readJsonText } from '../core/platform/http/json-body.ts'
import { parse } from '../core/platform/http/problem.ts'

/** Bounds what a client can have remembered: a request for some units and points has fewer characters. */
const KNOWN_LENGTH_MAX = 100
/** By their text: nearly all purchases ask for one unit in the same words, which need not be parsed again. */
const known = new LRUCache<string, ReservationRequest>({ max: 1_000 })

/** The body of a purchase. @throws ProblemError UNSUPPORTED_MEDIA_TYPE, TOO_LARGE or INVALID_REQUEST */
export async function readRequest(req: IncomingMessage): Promise<ReservationRequest> {
  const text = await readJsonText(req)
  const before = known.get(text)
  if (before) return before
  const request = parse(ReservationRequest, parseJson(text))
  // No other buyer has the same coupon.
  if (request.coupon === undefined && text.length <= KNOWN_LENGTH_MAX) known.set(text, request)
  return request
}

/** The header Idempotency-Key. @throws ProblemError INVALID_REQUEST */
export function purchaseKey(req: IncomingMessage): string | undefined {
  const key = req.headers['idempotency-key']
  return key === undefined ? undefined : parse(PurchaseKey, key)
}
