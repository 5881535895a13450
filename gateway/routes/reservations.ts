import { ReservationId } from '../../core/contracts/http.ts'
import { ProblemError } from '../../core/platform/http/problem.ts'
import type { BuyersHandler } from '../../core/platform/http/signed-in.ts'
import type { ReservationRecord } from '../../core/stock/reservation.ts'
import type { Stock } from '../../core/stock/stock.ts'
import { reservationView } from '../answers.ts'
import { awaitResult, preferredWait } from '../await-result.ts'
import type { WatchedReservations } from '../watched-reservations.ts'

/** GET /reservations/:reservationId; with `Prefer: wait=N` held open until it is decided. */
export function getReservation(stock: Stock, watched: WatchedReservations): BuyersHandler<{ reservationId: string }> {
  return async (req, res) => {
    const { reservationId } = req.params
    const buyerId = res.locals.buyer.id
    const record = await readOwn(stock, reservationId, buyerId)
    const waitSeconds = preferredWait(req.headers)
    const waited =
      waitSeconds === undefined ? undefined : await awaitResult(watched, { reservationId, buyerId, waitSeconds, res })
    if (waited) res.set('Preference-Applied', `wait=${waitSeconds}`)
    res.json(reservationView(waited ?? record))
  }
}

/** The buyer's own only; another's is not found, like one that does not exist. @throws ProblemError NOT_FOUND */
export async function readOwn(stock: Stock, reservationId: string, buyerId: string): Promise<ReservationRecord> {
  const id = ReservationId.safeParse(reservationId)
  const record = id.success ? await stock.readReservation({ reservationId: id.data, buyerId }) : undefined
  if (!record) throw new ProblemError('NOT_FOUND', 'You have no such reservation.')
  return record
}
