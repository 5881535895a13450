import { Registry, collectDefaultMetrics } from 'prom-client'

/** A registry of its own for each service, so that several can live in one test process. */
export function createMetrics(service: string): Registry {
  const registry = new Registry()
  registry.setDefaultLabels({ service })
  return registry
}

/** Adds the process's own figures (CPU, heap, event loop lag); once per process. */
export function addProcessMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry })
}
