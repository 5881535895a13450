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
 * How to tell the figures of this process, or of all that share its port: a request reaches only one of them. However
 * many ask, one collection is under way; those who ask meanwhile share the next, which knows all that has happened
 * until then.
 */
export function metricsTeller(registry: Registry): () => Promise<string> {
  const collection = oneAtATime(() => (cluster.isWorker ? textOfAll() : registry.metrics()))
  return () => collection.add(undefined)
}

function oneAtATime(collect: () => Promise<string>): Batcher<undefined, string> {
  return new Batcher({
    itemsMax: Infinity,
    batchesMax: 1,
    async run(asked) {
      const text = await collect()
      return asked.map(() => text)
    },
  })
}

async function textOfAll(): Promise<string> {
  const question: Question = { metricsWanted: randomUUID() }
  return new Promise((resolve, reject) => {
    const settle = (done: () => void) => {
      clearTimeout(timer)
      process.off('message', onMessage)
      done()
    }
    const timer = setTimeout(
      () => settle(() => reject(new Error('The processes did not tell their figures in time'))),
      ANSWER_LIMIT_MS,
    )
    const onMessage = (message: Partial<Answer>) => {
      if (message.metricsFor === question.metricsWanted) settle(() => resolve(message.text ?? ''))
    }
    process.on('message', onMessage)
    process.send?.(question)
  })
}

/** For a process among several: its figures become part of all of theirs. */
export function shareMetrics(registry: Registry): void {
  if (!cluster.isWorker) return
  AggregatorRegistry.setRegistries(registry)
  // Being made is what it does: from then on it answers the process above.
  return void new AggregatorRegistry()
}

/** For the process above them. */
export function answerForMetrics(log: Logger): void {
  const all = new AggregatorRegistry()
  const collection = oneAtATime(() => all.clusterMetrics())
  cluster.on('message', (worker: Worker, message: Partial<Question>) => {
    if (message.metricsWanted === undefined) return
    const answer = (text: string) => {
      if (worker.isConnected()) worker.send({ metricsFor: message.metricsWanted, text })
    }
    collection.add(undefined).then(answer, (error: Error) => log.warn({ err: error.message }, 'figures are missing'))
  })
}
