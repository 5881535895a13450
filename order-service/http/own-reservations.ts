import { PAGE_LIMIT, PageRequest } from '../../core/contracts/paging.ts'
import type { OwnReservations } from '../../core/contracts/purchases.ts'
import { pageOf, readCursor } from '../../core/platform/http/cursor.ts'
import { parse, ProblemError } from '../../core/platform/http/problem.ts'
import type { BuyersHandler } from '../../core/platform/http/signed-in.ts'
import { KeyedBuckets } from '../../core/platform/limits/keyed-buckets.ts'
import type { Database } from '../../core/platform/stores/database.ts'
import type { Stock } from '../../core/stock/stock.ts'
import { listDecided, listUndecided, reservationPlace, ReservationPlace } from './list-reservations.ts'

/** Of one buyer: a first page asks Redis once for each open sale. */
const LISTS = { perSecond: 1, burst: 10 }

/**
 * GET /me/reservations, GET /me/reservations?limit=20&cursor=…: the newest first. The first page begins with those that
 * are not decided yet, beyond its limit.
 */
export function getOwnReservations({ database, stock }: { database: Database; stock: Stock }): BuyersHandler {
  const buckets = new KeyedBuckets(LISTS.perSecond, LISTS.burst)
  return async (req, res) => {
    const { id: buyerId } = res.locals.buyer
    const { limit = PAGE_LIMIT, cursor } = parse(PageRequest, req.query)
    const after = readCursor(ReservationPlace, cursor)
    const token = buckets.take(buyerId)
    if (!token.taken)
      throw new ProblemError('RATE_LIMITED', 'You asked for your reservations too often; wait before the next time.', {
        retryAfterSeconds: token.waitMs / 1_000,
      })
    // Before the decided ones: what is decided in between is then on both lists, and is taken from one of them.
    const undecided = after ? [] : await listUndecided(database, stock, buyerId)
    const { rows, next } = pageOf(await listDecided(database, buyerId, after, limit + 1), limit, reservationPlace)
    const decided = new Set(rows.map(({ id }) => id))
    res.json({
      reservations: [...(undecided ?? []).filter(({ id }) => !decided.has(id)), ...rows],
      isComplete: undecided !== undefined,
      ...(next !== undefined && { next }),
    } satisfies OwnReservations)
  }
}
