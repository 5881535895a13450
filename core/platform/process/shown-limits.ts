import { Gauge, type Registry } from 'prom-client'

/** Shows limits that a service was configured with, so that a sale can be checked against them before it opens. */
export function showLimits<Limit extends string>(registry: Registry, limits: Record<Limit, number>): void {
  const gauge = new Gauge({
    name: 'seckill_limit',
    help: 'Limits of this process, by their setting',
    labelNames: ['limit'],
    // Of all processes the sum, which is right for what each has of its own.
    registers: [registry],
  })
  for (const [limit, value] of Object.entries<number>(limits)) gauge.set({ limit }, value)
}

/** Counts the processes that are summed up. */
export const PROCESSES = 'processes'
