import cluster, { type Worker } from 'node:cluster'
import { randomUUID } from 'node:crypto'
import { AggregatorRegistry, type Registry } from 'prom-client'
import type { Logger } from './log.ts'

const ANSWER_LIMIT_MS = 3_000

interface Question { metricsWanted: string }
interface Answer { metricsFor: string; text: string }

/** The figures of this process, or of all that share its port: whoever asks reaches only one of them. */
export async function metricsText(registry: Registry): Promise<string> {
  if (!cluster.isWorker) return registry.metrics()
  const question: Question = { metricsWanted: randomUUID() }
  return new Promise((resolve, reject) => {
    const settle = (done: () => void) => {
      clearTimeout(timer)
      process.off('message', onMessage)
      done()
    }
    const timer = setTimeout(() => settle(() => reject(new Error('The processes did not tell their figures in time'))), ANSWER_LIMIT_MS)
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
  cluster.on('message', (worker: Worker, message: Partial<Question>) => {
    if (message.metricsWanted === undefined) return
    const answer = (text: string) => { if (worker.isConnected()) worker.send({ metricsFor: message.metricsWanted, text }) }
    all.clusterMetrics().then(answer, (error: Error) => log.warn({ err: error.message }, 'figures are missing'))
  })
}
