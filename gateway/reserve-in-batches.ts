import { SHARDS_MAX } from '../core/contracts/values.ts'
import { Batcher } from '../core/platform/batches/batcher.ts'
import { groupBy } from '../core/platform/batches/divide.ts'
import type { ReserveLimits, ReserveOutcome, ReserveRequest } from '../core/stock/reserving.ts'
import type { SaleFigures } from '../core/stock/sale-figures.ts'
import { ledgerForBuyer, shardOf } from '../core/stock/shards.ts'
import type { Stock } from '../core/stock/stock.ts'

/** Redis runs nothing else during a script: 32 reservations block it for some 0.3 ms. */
const RESERVATIONS_PER_CALL_MAX = 32
const CALLS_IN_FLIGHT_MAX = 4

interface Attempt {
  sale: SaleFigures
  request: ReserveRequest
  sinceMs: number
}

/** @throws when Redis does not answer: then it is not known whether the units were set aside. */
export type Reserve = (sale: SaleFigures, request: ReserveRequest) => Promise<ReserveOutcome>

/**
 * Reserves in batches, one script call for each ledger of a batch. Each buyer gets an outcome of their own. Shards have
 * batches of their own: those whose server does not answer keep no buyer of the others waiting.
 */
export function reserveInBatches(stock: Pick<Stock, 'reserve'>, limits: ReserveLimits): Reserve {
  const newBatcher = () =>
    new Batcher<Attempt, ReserveOutcome>({
      itemsMax: RESERVATIONS_PER_CALL_MAX,
      batchesMax: CALLS_IN_FLIGHT_MAX,
      run: (batch) => reserveBatch(stock, limits, batch),
    })
  const batcher = newBatcher()
  const ofShards = Array.from({ length: SHARDS_MAX }, newBatcher)
  return (sale, request) => {
    const own = sale.shards === undefined ? batcher : ofShards[shardOf(request.buyerId, sale.shards)]
    return (own ?? batcher).add({ sale, request, sinceMs: performance.now() })
  }
}

async function reserveBatch(
  stock: Pick<Stock, 'reserve'>,
  limits: ReserveLimits,
  batch: Attempt[],
): Promise<ReserveOutcome[]> {
  const outcomes = new Map<ReserveRequest, ReserveOutcome>()
  // A buyer whose attempt has queued for as long as an answer may take is told to come back, and reserves nothing.
  const inTime = batch.filter(({ sinceMs }) => performance.now() - sinceMs < limits.patienceMs)
  // By epoch and terms, too: they may have been raised between two attempts of one batch.
  const groups = groupBy(
    inTime,
    ({ sale, request }) => `${ledgerForBuyer(sale, request.buyerId)} ${sale.epoch} ${sale.terms ?? ''}`,
  )
  await Promise.all(
    [...groups.values()].map(async (group) => {
      const [{ sale }] = group as [Attempt, ...Attempt[]]
      const requests = group.map(({ request }) => request)
      const answers = await stock.reserve(sale, requests, limits)
      requests.forEach((request, i) => {
        if (answers[i]) outcomes.set(request, answers[i])
      })
    }),
  )
  return batch.map(({ request }) => outcomes.get(request) ?? { status: 'UNAVAILABLE' })
}
