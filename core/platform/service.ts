import closeWithGrace from 'close-with-grace'
import type { z } from 'zod'
import { Closers } from './closers.ts'
import { configOrExit } from './config.ts'
import { createLog, type Logger } from './log.ts'

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

/** Owns the process: configuration, logger, signals, and a drained, time-limited stop. */
export async function runService<Schema extends z.ZodObject>(
  name: string, schema: Schema, start: StartService<z.output<Schema>>,
): Promise<void> {
  const config = configOrExit(schema)
  const log = createLog(name, typeof config.LOG_LEVEL === 'string' ? config.LOG_LEVEL : 'info')
  const closers = new Closers(log)

  closeWithGrace({ delay: DRAIN_LIMIT_MS, logger: { error: (message: string) => log.error(message) } }, async ({ signal, err }) => {
    if (err) log.fatal({ err }, 'ending because of an unexpected fault')
    else log.info({ signal }, 'draining')
    await closers.closeAll()
    log.info('stopped')
  })

  const { port } = await start({ config, log, closers })
  log.info({ port }, 'started')
}
