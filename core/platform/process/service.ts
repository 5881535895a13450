import cluster from 'node:cluster'
import closeWithGrace from 'close-with-grace'
import type { z } from 'zod'
import { Closers } from './closers.ts'
import { configOrExit, exitIfBadConfiguration } from './config.ts'
import { createLog, type Logger } from './log.ts'
import { runProcesses } from './processes.ts'

/** How long a service may take to finish what is in hand before it is ended. */
const DRAIN_LIMIT_MS = 20_000

export interface Context<Config> {
  config: Config
  log: Logger
  /** Whatever is opened is added here and closed in reverse when the service stops. */
  closers: Closers
}

export interface RunningService {
  /** Port the service answers HTTP on. */
  port: number
}

export type StartService<Config> = (context: Context<Config>) => Promise<RunningService>

/**
 * Owns the process: configuration, logger, signals, and a drained, time-limited stop. With `processes` the service runs
 * so many times on its port, under a process that does nothing else but watch over them.
 */
export async function runService<Schema extends z.ZodObject>(
  name: string,
  schema: Schema,
  start: StartService<z.output<Schema>>,
  processes?: (config: z.output<Schema>) => number,
): Promise<void> {
  const config = configOrExit(schema)
  const log = createLog(name, typeof config.LOG_LEVEL === 'string' ? config.LOG_LEVEL : 'info')
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

  // Some of the configuration shows only once a server answers.
  const { port } = await start({ config, log, closers }).catch(exitIfBadConfiguration)
  log.info({ port }, 'started')
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const
const skippedSignals = cluster.isWorker ? [...SIGNALS] : []

/** One of several is told twice, by the terminal and by the process above; the second time is no reason to hurry. */
function drainOnSignal(close: () => void): void {
  let isDraining = false
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      if (!isDraining) close()
      isDraining = true
    })
  }
}
