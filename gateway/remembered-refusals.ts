import type { Bucket, ReserveOutcome } from '../core/stock/reserving.ts'
import type { SaleFigures } from '../core/stock/sale-figures.ts'
import { ledgerForBuyer } from '../core/stock/shards.ts'
import type { Reserve } from './reserve-in-batches.ts'

/** Beyond this the oldest refusals are forgotten, and Redis is asked again. */
const REMEMBERED_MAX = 10_000
/** Redis is asked again after this time at the latest: its clock may have been set, or the sale closed. */
const REMEMBERED_MS_MAX = 1_000
/** Far below 1 s, the least that Retry-After can say. */
const CROWDED_MS_MAX = 50

type Refusal = Extract<ReserveOutcome, { retryAfterMs: number }>

/** What Redis has refused this buyer from this address, while it still holds. */
export type RecallRefusal = (sale: SaleFigures, buyerId: string, address: string) => Refusal | undefined

interface Remembered {
  status: Refusal['status']
  /** By the monotonic clock of this process. */
  tokenAtMs: number
  askAgainAtMs: number
}

/**
 * Repeats from memory what Redis has refused, so that attempts beyond a limit cost Redis next to nothing. A bucket has
 * no token before the time that Redis told: other attempts only put it off. For a crowded sale the process waits a little
 * longer, but never so long that the bucket of the sale could run over.
 */
export function rememberRefusals(
  reserve: Reserve,
  saleBucket: Bucket | undefined,
): { reserve: Reserve; recall: RecallRefusal } {
  const remembered = new Map<string, Remembered>()
  const crowdedMs = saleBucket ? Math.min(CROWDED_MS_MAX, (saleBucket.burst / saleBucket.ratePerSecond / 2) * 1_000) : 0

  function recallBy(key: string): Refusal | undefined {
    const refusal = remembered.get(key)
    if (refusal === undefined) return undefined
    const nowMs = performance.now()
    if (nowMs < refusal.askAgainAtMs) return { status: refusal.status, retryAfterMs: refusal.tokenAtMs - nowMs }
    remembered.delete(key)
    return undefined
  }

  function remember(key: string, { status, retryAfterMs }: Refusal): Refusal {
    const nowMs = performance.now()
    const waitMs = status === 'CROWDED' ? Math.max(retryAfterMs, crowdedMs) : retryAfterMs
    // A map keeps the order of insertion: the key moves to its end.
    remembered.delete(key)
    remembered.set(key, {
      status,
      tokenAtMs: nowMs + waitMs,
      askAgainAtMs: nowMs + Math.min(waitMs, REMEMBERED_MS_MAX),
    })
    const [oldest] = remembered.size > REMEMBERED_MAX ? remembered.keys() : []
    if (oldest !== undefined) remembered.delete(oldest)
    return { status, retryAfterMs: waitMs }
  }

  return {
    recall: (sale, buyerId, address) =>
      recallBy(keyOfBuyer(sale, buyerId, address)) ?? recallBy(ledgerForBuyer(sale, buyerId)),
    async reserve(sale, request) {
      const { buyerId, address } = request
      const outcome = await reserve(sale, request)
      if (outcome.status === 'RATE_LIMITED') return remember(keyOfBuyer(sale, buyerId, address), outcome)
      if (outcome.status === 'CROWDED') return remember(ledgerForBuyer(sale, buyerId), outcome)
      return outcome
    },
  }
}

/** Refused by the buyer's bucket or by the address's, Redis does not say which: the refusal holds for both together. */
const keyOfBuyer = ({ saleId }: SaleFigures, buyerId: string, address: string) => `${saleId} ${buyerId} ${address}`
