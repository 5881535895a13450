import type { Registry } from 'prom-client'
import { gauge } from './metrics.ts'

/** Shows limits that a service was configured with, so that a sale can be checked against them before it opens. */
export function showLimits<Limit extends string>(registry: Registry, limits: Record<Limit, number>): void {
  const shown = gauge(registry, 'seckill_limit')
  for (const [limit, value] of Object.entries<number>(limits)) shown.set({ limit }, value)
}

/** Counts the processes that are summed up. */
export const PROCESSES = 'processes'
