import cluster, { type Worker } from 'node:cluster'
import { randomUUID } from 'node:crypto'
import { AggregatorRegistry, type Registry } from 'prom-client'
import { Batcher } from '../batches/batcher.ts'
import type { Logger } from './log.ts'

const ANSWER_LIMIT_MS = 3_000

/** Prometheus' text format, or prom-client's JSON for programs that have no parser of it. */
export type MetricsFormat = 'text' | 'json'
export type ReadMetrics = (format: MetricsFormat) => Promise<string>

interface Question {
  metricsWanted: string
  format: MetricsFormat
}
interface Answer {
  metricsFor: string
  metrics: string
}

/** The primary, as a worker reaches it through its own process, or a worker of the primary. */
interface Peer {
  on: (event: 'message', listener: (message: Partial<Answer>) => void) => unknown
  off: (event: 'message', listener: (message: Partial<Answer>) => void) => unknown
  send?: (question: Question) => unknown
}

/**
 * Returns a reader of the metrics of this process, or in a cluster of all its workers, because a request reaches only one
 * of them. At most one collection per format runs at a time; requests that arrive meanwhile share the next one.
 */
export function metricsReader(registry: Registry): ReadMetrics {
  return oneAtATime((format) => (cluster.isWorker ? ask(process, format) : written(registry, format)))
}

/** In a worker: sends the primary the metrics of this process when it asks. */
export function joinClusterMetrics(registry: Registry): void {
  if (!cluster.isWorker) return
  process.on('message', ({ metricsWanted }: Partial<Question>) => {
    if (metricsWanted === undefined) return
    void written(registry, 'json').then((metrics) => process.send?.({ metricsFor: metricsWanted, metrics }))
  })
}

/** In the primary: answers workers that ask for the metrics of the cluster. */
export function serveClusterMetrics(log: Logger): void {
  const readMetrics = oneAtATime(async (format) => written(await registryOfAllWorkers(), format))
  cluster.on('message', (worker: Worker, { metricsWanted, format = 'text' }: Partial<Question>) => {
    if (metricsWanted === undefined) return
    const answer = (metrics: string) => {
      if (worker.isConnected()) worker.send({ metricsFor: metricsWanted, metrics } satisfies Answer)
    }
    readMetrics(format).then(answer, (error: Error) =>
      log.warn({ err: error.message }, 'collecting the metrics of the workers failed'),
    )
  })
}

async function registryOfAllWorkers(): Promise<Registry> {
  const workers = Object.values(cluster.workers ?? {}).filter((worker) => worker?.isConnected()) as Worker[]
  const answers = await Promise.all(workers.map((worker) => ask(worker, 'json')))
  return AggregatorRegistry.aggregate(answers.map((metrics) => JSON.parse(metrics) as object))
}

async function written(registry: Registry, format: MetricsFormat): Promise<string> {
  return format === 'text' ? registry.metrics() : JSON.stringify(await registry.getMetricsAsJSON())
}

function oneAtATime(collect: ReadMetrics): ReadMetrics {
  const batcher = (format: MetricsFormat) =>
    new Batcher<undefined, string>({
      itemsMax: Infinity,
      batchesMax: 1,
      async run(requests) {
        const metrics = await collect(format)
        return requests.map(() => metrics)
      },
    })
  const collections = { text: batcher('text'), json: batcher('json') }
  return (format) => collections[format].add(undefined)
}

function ask(peer: Peer, format: MetricsFormat): Promise<string> {
  const question: Question = { metricsWanted: randomUUID(), format }
  return new Promise((resolve, reject) => {
    const settle = (done: () => void) => {
      clearTimeout(timer)
      peer.off('message', onMessage)
      done()
    }
    const timer = setTimeout(
      () => settle(() => reject(new Error(`No metrics of another process within ${ANSWER_LIMIT_MS} ms`))),
      ANSWER_LIMIT_MS,
    )
    const onMessage = ({ metricsFor, metrics = '' }: Partial<Answer>) => {
      if (metricsFor === question.metricsWanted) settle(() => resolve(metrics))
    }
    peer.on('message', onMessage)
    peer.send?.(question)
  })
}
