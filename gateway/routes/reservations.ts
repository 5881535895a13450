import { ReservationId } from '../../core/contracts/values.ts'
import { addressForLimit } from '../../core/platform/http/client-address.ts'
import { ProblemError } from '../../core/platform/http/problem.ts'
import type { BuyersHandler } from '../../core/platform/http/signed-in.ts'
import type { ReservationRecord } from '../../core/stock/reservation.ts'
import type { Stock } from '../../core/stock/stock.ts'
import { reservationView } from '../answers.ts'
import { awaitAsPreferred } from '../await-result.ts'
import type { WatchedReservations } from '../watched-reservations.ts'

/** GET /reservations/:reservationId; with `Prefer: wait=N` held open until it is decided. */
export function getReservation(stock: Stock, watched: WatchedReservations): BuyersHandler<{ reservationId: string }> {
  return async (req, res) => {
    const record = await readOwn(stock, req.params.reservationId, res.locals.buyer.id)
    const waited = await awaitAsPreferred(watched, record, addressForLimit(req.ip ?? ''), res)
    if (waited) res.set('Preference-Applied', `wait=${waited.waitSeconds}`)
    res.json(reservationView(waited?.record ?? record))
  }
}

/** The buyer's own only; another's is not found, like one that does not exist. @throws ProblemError NOT_FOUND */
export async function readOwn(stock: Stock, reservationId: string, buyerId: string): Promise<ReservationRecord> {
  const id = ReservationId.safeParse(reservationId)
  const record = id.success ? await stock.readReservation({ reservationId: id.data, buyerId }) : undefined
  if (!record) throw new ProblemError('NOT_FOUND', 'You have no such reservation.')
  return record
}
