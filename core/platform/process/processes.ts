import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import closeWithGrace from 'close-with-grace'
import { serveClusterBuckets } from '../limits/cluster-buckets.ts'
import type { Logger } from './log.ts'
import { serveClusterMetrics } from './process-metrics.ts'

/** Restarting without a pause would keep a core busy with a worker that crashes at its start. */
const RESTART_PAUSE_MS = 1_000
/** Longer than a worker's own limit on draining. */
const STOP_LIMIT_MS = 22_000

/**
 * Runs this program as `count` workers on one port, and restarts a worker that dies. Each worker has connections of its
 * own to PostgreSQL, Redis and RabbitMQ; the workers share nothing else but rate limits.
 */
export async function runProcesses(count: number, log: Logger): Promise<void> {
  // Each worker accepts for itself. With round-robin, a connection that the primary is handing to a dying worker would
  // hang for ever.
  cluster.schedulingPolicy = cluster.SCHED_NONE
  serveClusterMetrics(log)
  serveClusterBuckets()
  let stopping = false
  let listening = false
  cluster.on('listening', () => {
    listening = true
  })
  cluster.on('exit', (worker, code, signal) => {
    if (stopping) return
    log.error({ died: worker.process.pid, code, signal }, 'a worker died')
    // When no worker has ever listened, a restart would fail the same way; the log has the worker's reason.
    if (!listening) process.exit(code || 1)
    setTimeout(() => {
      if (!stopping) cluster.fork()
    }, RESTART_PAUSE_MS)
  })
  closeWithGrace({ delay: STOP_LIMIT_MS, logger: { error: (message: string) => log.error(message) } }, async () => {
    stopping = true
    await Promise.all(Object.values(cluster.workers ?? {}).map((worker) => stop(worker)))
  })
  for (let i = 0; i < count; i++) cluster.fork()
  log.info({ processes: count }, 'supervising')
}

async function stop(worker: Worker | undefined): Promise<void> {
  if (!worker || worker.isDead()) return
  const exited = once(worker, 'exit')
  worker.process.kill('SIGTERM')
  await exited
}
