import { Counter, type Registry } from 'prom-client'

/** What the delayed side has done. */
export function cancelMetrics(registry: Registry): {
  cancelled: (orders: number) => void
  rebuilt: () => void
  healed: (units: number) => void
  checkedBack: (what: string) => void
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
    help: 'Units by which Redis was set right, put back or taken away',
    labelNames: ['direction'],
    registers,
  })
  const checkedBack = new Counter({
    name: 'seckill_sagas_asked_back_total',
    help: 'Sagas that were not completed in time: called off, or told again that they are',
    labelNames: ['what'],
    registers,
  })
  return {
    cancelled: (orders) => cancelled.inc(orders),
    checkedBack: (what) => checkedBack.inc({ what }),
    rebuilt: () => rebuilt.inc(),
    healed: (units) => healed.inc({ direction: units > 0 ? 'put back' : 'taken away' }, Math.abs(units)),
  }
}
