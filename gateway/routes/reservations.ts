import { ReservationId } from '../../core/contracts/http.ts'
import { ProblemError } from '../../core/platform/problem.ts'
import type { BuyersHandler } from '../../core/platform/signed-in.ts'
import { saleOf } from '../../core/stock/ledger.ts'
import type { Stock } from '../../core/stock/stock.ts'
import { reservationView } from '../answers.ts'

/** GET /reservations/:reservationId: the buyer's own only; another's is not found, like one that does not exist. */
export function getReservation(stock: Stock): BuyersHandler<{ reservationId: string }> {
  return async (req, res) => {
    const id = ReservationId.safeParse(req.params.reservationId)
    const record = id.success ? await stock.readReservation(saleOf(id.data), id.data) : undefined
    if (!id.success || record?.buyerId !== res.locals.buyerId) throw new ProblemError('NOT_FOUND', 'You have no such reservation.')
    res.json(reservationView(id.data, record))
  }
}
