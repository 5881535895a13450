import cluster, { type Worker } from 'node:cluster'
import { randomUUID } from 'node:crypto'
import { AggregatorRegistry, type Registry } from 'prom-client'
import { Batcher } from '../batches/batcher.ts'
import type { Logger } from './log.ts'

const ANSWER_LIMIT_MS = 3_000

interface Question {
  metricsWanted: string
}
interface Answer {
  metricsFor: string
  text: string
}

/**
 * Returns a reader of the metrics of this process, or in a cluster of all its workers, because a request reaches only
 * one of them. At most one collection runs at a time; requests that arrive meanwhile share the next one.
 */
export function metricsReader(registry: Registry): () => Promise<string> {
  const collection = oneAtATime(() => (cluster.isWorker ? clusterMetrics() : registry.metrics()))
  return () => collection.add(undefined)
}

function oneAtATime(collect: () => Promise<string>): Batcher<undefined, string> {
  return new Batcher({
    itemsMax: Infinity,
    batchesMax: 1,
    async run(requests) {
      const text = await collect()
      return requests.map(() => text)
    },
  })
}

/** Asks the primary, which asks every worker. */
async function clusterMetrics(): Promise<string> {
  const question: Question = { metricsWanted: randomUUID() }
  return new Promise((resolve, reject) => {
    const settle = (done: () => void) => {
      clearTimeout(timer)
      process.off('message', onMessage)
      done()
    }
    const timer = setTimeout(
      () => settle(() => reject(new Error(`The workers sent no metrics within ${ANSWER_LIMIT_MS} ms`))),
      ANSWER_LIMIT_MS,
    )
    const onMessage = (message: Partial<Answer>) => {
      if (message.metricsFor === question.metricsWanted) settle(() => resolve(message.text ?? ''))
    }
    process.on('message', onMessage)
    process.send?.(question)
  })
}

/** In a worker: adds its metrics to those of the cluster. */
export function joinClusterMetrics(registry: Registry): void {
  if (!cluster.isWorker) return
  AggregatorRegistry.setRegistries(registry)
  // The constructor registers the listener that answers the primary.
  return void new AggregatorRegistry()
}

/** In the primary: answers workers that ask for the metrics of the cluster. */
export function serveClusterMetrics(log: Logger): void {
  const all = new AggregatorRegistry()
  const collection = oneAtATime(() => all.clusterMetrics())
  cluster.on('message', (worker: Worker, message: Partial<Question>) => {
    if (message.metricsWanted === undefined) return
    const answer = (text: string) => {
      if (worker.isConnected()) worker.send({ metricsFor: message.metricsWanted, text })
    }
    collection
      .add(undefined)
      .then(answer, (error: Error) => log.warn({ err: error.message }, 'collecting the metrics of the workers failed'))
  })
}
