import cluster, { type Worker } from 'node:cluster'
import { KeyedBuckets } from './keyed-buckets.ts'
import { addUpSpending, type Levels, SharedBuckets, type Spending } from './shared-buckets.ts'

export interface ClusterBuckets {
  /** Buckets under this name, the same in every worker. */
  named: (name: string, ratePerSecond: number, burst: number) => KeyedBuckets
}

/** Makes buckets that all workers of this cluster share; of a single process, plain ones. */
export function clusterBuckets(processes: number): ClusterBuckets {
  if (!cluster.isWorker || processes === 1)
    return { named: (_name, ratePerSecond, burst) => new KeyedBuckets(ratePerSecond, burst) }
  const shared = new Map<string, SharedBuckets>()
  process.on('message', (message: Partial<Levels>) => {
    if (isLevels(message)) shared.get(message.leftOf)?.receive(message)
  })
  const report = (spending: Spending) => {
    if (process.connected) process.send?.(spending)
  }
  return {
    named(name, ratePerSecond, burst) {
      const buckets = new SharedBuckets({ name, ratePerSecond, burst, processes, report })
      shared.set(name, buckets)
      return buckets
    },
  }
}

/** In the primary: what `clusterBuckets` of the workers talk to. */
export function serveClusterBuckets(): void {
  const addUp = addUpSpending((levels) => {
    if (levels.tokens.length === 0) return
    for (const worker of Object.values(cluster.workers ?? {})) if (worker?.isConnected()) worker.send(levels)
  })
  cluster.on('message', (_worker: Worker, message: Partial<Spending>) => {
    if (isSpending(message)) addUp(message)
  })
}

const isLevels = (message: Partial<Levels>): message is Levels => message.leftOf !== undefined
const isSpending = (message: Partial<Spending>): message is Spending => message.spentOf !== undefined
