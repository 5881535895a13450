import { INTAKE } from '../core/contracts/topology.ts'
import { rootOf } from '../core/contracts/trace-context.ts'
import { decode, readEach, Reservation, ReservationBatch, type Unpacked } from '../core/contracts/messages.ts'
import type { Verdict } from '../core/orders/decide.ts'
import { placeOrders, type PlacingRules } from '../core/orders/place-orders.ts'
import { settleDecided } from '../core/orders/settle-decided.ts'
import type { Database } from '../core/platform/stores/database.ts'
import { failpoint } from '../core/platform/process/failpoint.ts'
import type { Logger } from '../core/platform/process/log.ts'
import { batchOf, databaseCall, messaging } from '../core/platform/tracing/conventions.ts'
import { step, type Trace, traceBatch } from '../core/platform/tracing/trace.ts'
import type { Stock } from '../core/stock/stock.ts'

export interface PlacingDeps {
  database: Database
  stock: Stock
  log: Logger
  rules: PlacingRules
  /** Called after the commit of each batch, which has filled the outbox. */
  onPlaced: (verdicts: Verdict[]) => void
}

export interface Placer {
  /** Resolves once the decisions are committed; they are settled in Redis after that. */
  place: (reservations: Reservation[]) => Promise<void>
  /** Waits until every decision is settled in Redis. */
  close: () => Promise<void>
}

/** @throws UnreadableMessage */
export function readReservations(body: Buffer): Unpacked<Reservation> {
  return readEach(Reservation, decode(ReservationBatch, body).reservations)
}

/**
 * Places batches, each in one transaction. A batch is settled in Redis while the next one is placed, one batch at a
 * time: a slow Redis is backpressure on placing instead of a growing queue in memory. After a crash in between, the
 * sweeper settles the batch.
 */
export function createPlacer({ database, stock, log, rules, onPlaced }: PlacingDeps): Placer {
  let settling = Promise.resolve()
  const place = async (reservations: Reservation[], trace: Trace | undefined): Promise<Verdict[]> => {
    const verdicts = await step(trace, TRANSACTION, () => placeOrders(database, reservations, rules))
    failpoint('placing.beforeAck')
    onPlaced(verdicts)
    await step(trace, SETTLED, () => settling)
    settling = settleDecided(stock, verdicts, log)
    return verdicts
  }
  return {
    place: async (reservations) => {
      await traceBatch(
        (trace) => place(reservations, trace),
        (verdicts) => describe(reservations, verdicts),
      )
    },
    close: () => settling,
  }
}

const TRANSACTION = databaseCall('postgresql', 'place orders')
const SETTLED = databaseCall('redis', 'settle the batch before')

/** Verdicts are in the order of their reservations. */
function describe(reservations: Reservation[], verdicts: Verdict[] = []) {
  const items = reservations.map(({ reservationId, saleId }, i) => ({
    parent: rootOf(reservationId),
    describe: () => {
      const { outcome, ...detail } = verdicts[i]?.decision ?? {}
      return messaging('process', INTAKE, {
        'shop.sale.id': saleId,
        'shop.reservation.id': reservationId,
        'shop.outcome': outcome,
        ...('orderId' in detail && { 'shop.order.id': detail.orderId }),
        ...('reason' in detail && { 'shop.reason': detail.reason }),
      })
    },
  }))
  return { ...messaging('process', INTAKE, batchOf(items)), items }
}
