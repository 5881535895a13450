import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import closeWithGrace from 'close-with-grace'
import type { Logger } from './log.ts'
import { serveClusterMetrics } from './process-metrics.ts'

/** After its death; at once, one that cannot live would keep a core busy. */
const RESTART_PAUSE_MS = 1_000
/** More than a process's own limit on draining. */
const STOP_LIMIT_MS = 22_000
/**
 * Room for what lives as long as a request does. With V8's 16 MB, a process that holds 500 requests spends a quarter of
 * its time moving them out of the way.
 */
const YOUNG_GENERATION = '--max-semi-space-size=64'

/**
 * Runs this very program `count` times on one port and keeps it running. Each process has its own connections to the
 * servers, and none knows of the others.
 */
export async function runProcesses(count: number, log: Logger): Promise<void> {
  // Each accepts for itself. Handed round by this process, a connection that is on its way to one that dies hangs for
  // ever.
  cluster.schedulingPolicy = cluster.SCHED_NONE
  cluster.setupPrimary({ execArgv: [...process.execArgv, YOUNG_GENERATION] })
  serveClusterMetrics(log)
  let stopping = false
  let listening = false
  cluster.on('listening', () => {
    listening = true
  })
  cluster.on('exit', (worker, code, signal) => {
    if (stopping) return
    log.error({ died: worker.process.pid, code, signal }, 'a process died')
    // One that never listened would not listen the next time either: what it said stands in the log.
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
