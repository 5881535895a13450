import { Counter, type Registry } from 'prom-client'

/** Counters of the cancel worker. */
export function cancelMetrics(registry: Registry): {
  cancelled: (orders: number) => void
  rebuilt: () => void
  healed: (units: number) => void
  checkedBack: (what: string) => void
  admitted: (buyers: number) => void
} {
  const registers = [registry]
  const cancelled = new Counter({ name: 'seckill_cancelled_total', help: 'Unpaid orders cancelled', registers })
  const rebuilt = new Counter({
    name: 'seckill_sales_rebuilt_total',
    help: 'Sales whose Redis data was rebuilt from PostgreSQL',
    registers,
  })
  const healed = new Counter({
    name: 'seckill_reconciled_units_total',
    help: 'Units that were missing in Redis and put back, or too many and taken away',
    labelNames: ['direction'],
    registers,
  })
  const checkedBack = new Counter({
    name: 'seckill_sagas_asked_back_total',
    help: 'Overdue sagas: expired, or their compensation repeated',
    labelNames: ['what'],
    registers,
  })
  const admitted = new Counter({
    name: 'seckill_admissions_total',
    help: 'Buyers admitted from waiting rooms',
    registers,
  })
  return {
    admitted: (buyers) => admitted.inc(buyers),
    cancelled: (orders) => cancelled.inc(orders),
    checkedBack: (what) => checkedBack.inc({ what }),
    rebuilt: () => rebuilt.inc(),
    healed: (units) => healed.inc({ direction: units > 0 ? 'put back' : 'taken away' }, Math.abs(units)),
  }
}
