import { Registry, collectDefaultMetrics } from 'prom-client'
import { shareMetrics } from './process-metrics.ts'

/** A service's figures, with those of its process (CPU, heap, event loop lag). */
export function createMetrics(service: string): Registry {
  const registry = new Registry()
  registry.setDefaultLabels({ service })
  collectDefaultMetrics({ register: registry })
  shareMetrics(registry)
  return registry
}
