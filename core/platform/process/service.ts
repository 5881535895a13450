import cluster from 'node:cluster'
import closeWithGrace from 'close-with-grace'
import type { z } from 'zod'
import { Closers } from './closers.ts'
import { configOrExit, type everyService, exitIfBadConfiguration } from './config.ts'
import { createLog, type Logger } from './log.ts'
import { runProcesses } from './processes.ts'
import { startTracing } from '../tracing/start-tracing.ts'

/** How long a service may drain before it is ended. */
const DRAIN_LIMIT_MS = 20_000

export interface Context<Config> {
  config: Config
  log: Logger
  /** The service adds here what it opens; it is closed in reverse order when the service stops. */
  closers: Closers
}

export interface RunningService {
  /** Port the service answers HTTP on. */
  port: number
}

export type StartService<Config> = (context: Context<Config>) => Promise<RunningService>

/**
 * Owns the process: configuration, logger, signals, and a time-limited stop that drains. With `processes` the service
 * runs as that many workers on its port, under a primary that only supervises them.
 */
export async function runService<Schema extends z.ZodObject<typeof everyService>>(
  name: string,
  schema: Schema,
  start: StartService<z.output<Schema>>,
  processes?: (config: z.output<Schema>) => number,
): Promise<void> {
  const config = configOrExit(schema)
  const log = createLog(name, config.LOG_LEVEL)
  if (processes && cluster.isPrimary) return runProcesses(processes(config), log)

  const closers = new Closers(log)
  const closing = closeWithGrace(
    { delay: DRAIN_LIMIT_MS, logger: { error: (message: string) => log.error(message) }, skip: skippedSignals },
    async ({ signal, err }) => {
      if (err) log.fatal({ err }, 'ending because of an unexpected fault')
      else log.info({ signal }, 'draining')
      await closers.closeAll()
      log.info('stopped')
    },
  )

  if (cluster.isWorker) drainOnSignal(closing.close)

  // Closed last: what the others do while they drain is traced, too.
  await startTracing(name, config, log, closers)
  // Some faults of the configuration show only once a server answers.
  const { port } = await start({ config, log, closers }).catch(exitIfBadConfiguration)
  log.info({ port }, 'started')
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const
const skippedSignals = cluster.isWorker ? [...SIGNALS] : []

/** A worker gets each signal twice, from the terminal and from the primary; the second must not cut the drain short. */
function drainOnSignal(close: () => void): void {
  let isDraining = false
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      if (!isDraining) close()
      isDraining = true
    })
  }
}
