import { Registry, collectDefaultMetrics } from 'prom-client'
import { joinClusterMetrics } from './process-metrics.ts'

/**
 * How often the event loop's lag is sampled: every 10 ms, the default, costs an idle process 0.4 % of a core, half of
 * all it does.
 */
const LAG_SAMPLE_MS = 100

/** A service's figures, with those of its process (CPU, heap, event loop lag). */
export function createMetrics(service: string): Registry {
  const registry = new Registry()
  registry.setDefaultLabels({ service })
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: LAG_SAMPLE_MS })
  joinClusterMetrics(registry)
  return registry
}
