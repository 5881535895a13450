import { type Buyer, limitPerBuyer } from '../core/contracts/limit-per-buyer.ts'
import type { Logger } from '../core/platform/process/log.ts'
import { isOutage } from '../core/platform/stores/outage.ts'
import type { ReserveOutcome, ReserveRequest } from '../core/stock/reserving.ts'
import type { SaleFigures } from '../core/stock/sale-figures.ts'
import type { Catalogue } from './catalogue.ts'
import type { Reserve } from './reserve-in-batches.ts'

export interface ReserveDeps {
  reserve: Reserve
  catalogue: Pick<Catalogue, 'reread'>
  log: Logger
}

export interface ReservedOnTerms {
  outcome: Exclude<ReserveOutcome, { status: 'TERMS_CHANGED' }>
  /** The number of the terms, and the epoch, that it was reserved under. */
  terms: number | undefined
  epoch: number
}

/**
 * Reserves under the price and the limit that the sale has now. When an operator has changed them since the catalogue
 * was refreshed, Redis refuses, and the sale is read again; also when other shards are being rebuilt, under an epoch
 * that this one has, too.
 */
export async function reserveOnTerms(
  deps: ReserveDeps,
  sale: SaleFigures,
  buyer: Buyer,
  request: Omit<ReserveRequest, 'limitPerBuyer'>,
): Promise<ReservedOnTerms> {
  const ask = (known: SaleFigures) => deps.reserve(known, { ...request, limitPerBuyer: limitPerBuyer(known, buyer) })
  let known = sale
  try {
    let outcome = await ask(known)
    if (outcome.status === 'TERMS_CHANGED' || (outcome.status === 'UNAVAILABLE' && sale.shards !== undefined)) {
      known = (await deps.catalogue.reread(sale.saleId)) ?? sale
      if (outcome.status === 'TERMS_CHANGED' || known.epoch > sale.epoch) outcome = await ask(known)
    }
    const { terms, epoch } = known
    return { outcome: outcome.status === 'TERMS_CHANGED' ? { status: 'UNAVAILABLE' } : outcome, terms, epoch }
  } catch (error) {
    // An outage of Redis is "unknown": the script may have run. The buyer is asked to come back, and then gets the same
    // reservation or a new one.
    if (!isOutage(error)) throw error
    deps.log.warn({ err: error }, 'reserving failed: Redis does not answer')
    return { outcome: { status: 'UNAVAILABLE' }, terms: known.terms, epoch: known.epoch }
  }
}
