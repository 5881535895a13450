import { Combiner } from '../core/platform/batches/combiner.ts'
import { groupBy } from '../core/platform/batches/group-by.ts'
import type { ReserveLimits, ReserveOutcome, ReserveRequest, SaleFigures } from '../core/stock/ledger.ts'
import type { Stock } from '../core/stock/stock.ts'

/** Redis serves nobody else while a script runs: 16 reservations hold it for some 0.3 ms. */
const RESERVATIONS_PER_CALL_MAX = 16
const CALLS_MAX = 4

interface Asked {
  sale: SaleFigures
  request: ReserveRequest
  sinceMs: number
}

/** Asks Redis for what buyers want at the same time in one call per sale. Outcomes are each buyer's own. */
export class Reserving {
  readonly #combiner: Combiner<Asked, ReserveOutcome>

  constructor(stock: Pick<Stock, 'reserve'>, limits: ReserveLimits) {
    this.#combiner = new Combiner({
      togetherMax: RESERVATIONS_PER_CALL_MAX,
      runsMax: CALLS_MAX,
      run: (asked) => reserveBySale(stock, limits, asked),
    })
  }

  /** @throws when Redis does not answer: then it is not known whether the units were set aside. */
  reserve(sale: SaleFigures, request: ReserveRequest): Promise<ReserveOutcome> {
    return this.#combiner.add({ sale, request, sinceMs: performance.now() })
  }
}

async function reserveBySale(
  stock: Pick<Stock, 'reserve'>,
  limits: ReserveLimits,
  asked: Asked[],
): Promise<ReserveOutcome[]> {
  const outcomes = new Map<ReserveRequest, ReserveOutcome>()
  // Whoever has waited for a call as long as for an answer is told to come back, and nothing is asked for them.
  const inTime = asked.filter(({ sinceMs }) => performance.now() - sinceMs < limits.patienceMs)
  // By epoch, too: the sale's may have been raised since the first of them was looked up.
  const groups = groupBy(inTime, ({ sale }) => `${sale.saleId} ${sale.epoch}`)
  await Promise.all(
    [...groups.values()].map(async (group) => {
      const [{ sale }] = group as [Asked, ...Asked[]]
      const answers = await stock.reserve(
        sale,
        group.map(({ request }) => request),
        limits,
      )
      group.forEach(({ request }, i) => {
        if (answers[i]) outcomes.set(request, answers[i])
      })
    }),
  )
  return asked.map(({ request }) => outcomes.get(request) ?? { status: 'UNAVAILABLE' })
}
