import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import { type Metric, type MetricName, METRICS } from '../../contracts/metrics.ts'
import { joinClusterMetrics } from './process-metrics.ts'

/**
 * Sampling interval of the event loop lag. The default of 10 ms costs an idle process 0.4 % of a core, half its load.
 */
const LAG_SAMPLE_MS = 100

/** The metrics registry of a service, with the default metrics of its process (CPU, heap, event loop lag). */
export function createMetrics(service: string): Registry {
  const registry = new Registry()
  registry.setDefaultLabels({ service })
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: LAG_SAMPLE_MS })
  joinClusterMetrics(registry)
  return registry
}

type Table = typeof METRICS
type NameOf<Type extends Metric['type']> = {
  [Name in MetricName]: Table[Name]['type'] extends Type ? Name : never
}[MetricName]
type LabelOf<Name extends MetricName> = Table[Name] extends { labels: infer Labels } ? keyof Labels & string : never

/**
 * A counter of the table. Where the table has all values of its labels, every series begins at 0, since Prometheus does
 * not see the first increase of a series that appears with it.
 */
export function counter<Name extends NameOf<'counter'>>(registry: Registry, name: Name): Counter<LabelOf<Name>> {
  const made = new Counter<string>({ ...options(name), registers: [registry] })
  for (const labels of allLabels(METRICS[name])) made.inc(labels, 0)
  return made
}

/** A gauge of the table. `collect` runs with each scrape. */
export function gauge<Name extends NameOf<'gauge'>>(
  registry: Registry,
  name: Name,
  collect?: (made: Gauge<LabelOf<Name>>) => void | Promise<void>,
): Gauge<LabelOf<Name>> {
  const { aggregator = 'sum' }: Metric = METRICS[name]
  const made: Gauge = new Gauge<string>({
    ...options(name),
    aggregator,
    registers: [registry],
    ...(collect && { collect: () => collect(made) }),
  })
  return made
}

/** A histogram of the table. */
export function histogram<Name extends NameOf<'histogram'>>(registry: Registry, name: Name): Histogram<LabelOf<Name>> {
  return new Histogram<string>({ ...options(name), buckets: [...METRICS[name].buckets], registers: [registry] })
}

function options(name: MetricName): { name: string; help: string; labelNames: string[] } {
  const { help, labels = {} }: Metric = METRICS[name]
  return { name, help, labelNames: Object.keys(labels) }
}

/** Every combination of the labels' values; none when a label's values are not all known. */
function allLabels({ labels = {} }: Metric): Record<string, string>[] {
  return Object.entries(labels).reduce<Record<string, string>[]>(
    (all, [label, values]) =>
      values === 'as configured' ? [] : all.flatMap((some) => values.map((value) => ({ ...some, [label]: value }))),
    [{}],
  )
}
