import type { Registry } from 'prom-client'
import { counter, gauge } from '../core/platform/process/metrics.ts'

/** Figures of the cancel worker. */
export function cancelMetrics(registry: Registry): {
  cancelled: (orders: number) => void
  closed: (sales: number) => void
  rebuilt: () => void
  healed: (units: number) => void
  checkedBack: (what: 'expired' | 'repeated') => void
  admitted: (buyers: number) => void
} {
  const cancelled = counter(registry, 'seckill_orders_cancelled_total')
  const closed = gauge(registry, 'seckill_sales_closed')
  const rebuilt = counter(registry, 'seckill_sales_rebuilt_total')
  const healed = counter(registry, 'seckill_reconciled_units_total')
  const checkedBack = counter(registry, 'seckill_sagas_asked_back_total')
  const admitted = counter(registry, 'seckill_admissions_total')
  return {
    admitted: (buyers) => admitted.inc(buyers),
    cancelled: (orders) => cancelled.inc(orders),
    closed: (sales) => closed.set(sales),
    rebuilt: () => rebuilt.inc(),
    healed: (units) => healed.inc({ direction: units > 0 ? 'put_back' : 'taken_away' }, Math.abs(units)),
    checkedBack: (what) => checkedBack.inc({ what }),
  }
}
