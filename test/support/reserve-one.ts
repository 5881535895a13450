import type { ReserveLimits, ReserveOutcome, ReserveRequest } from '../../core/stock/reserving.ts'
import type { SaleFigures } from '../../core/stock/sale-figures.ts'
import type { Stock } from '../../core/stock/stock.ts'

/** Limits that no test reaches by accident. */
export const generous: ReserveLimits = {
  buyer: { ratePerSecond: 1_000, burst: 1_000 },
  address: { ratePerSecond: 10_000, burst: 10_000 },
  maxPending: 10_000,
  patienceMs: 60_000,
}

/** Reserves for a single buyer; by default one unit, from a fixed address. */
export async function reserveOne(
  stock: Stock,
  sale: Pick<SaleFigures, 'saleId' | 'epoch' | 'total'> & { terms?: number | undefined },
  request: Pick<ReserveRequest, 'reservationId' | 'buyerId'> & Partial<ReserveRequest>,
  limits: ReserveLimits = generous,
): Promise<ReserveOutcome> {
  const [outcome] = await stock.reserve(
    sale,
    [{ address: '192.0.2.1', quantity: 1, limitPerBuyer: 1_000, ...request }],
    limits,
  )
  if (!outcome) throw new Error('The script returned no outcome')
  return outcome
}
