import { join } from 'node:path'
import type { ProcessId } from '../processes.ts'
import { RunRecord } from '../run-file.ts'
import { makeScratchFolder, removeScratchFolder } from '../scratch-folder.ts'
import { startPostgres } from './postgres.ts'
import { type RabbitmqServer, startRabbitmq } from './rabbitmq.ts'
import { startRedis } from './redis.ts'
import type { RunningServer } from './running-server.ts'

export interface ScratchServers {
  folder: string
  postgres: RunningServer
  redis: RunningServer
  rabbitmq: RabbitmqServer
  /** Records a process of the caller's, which `stop` ends too if it is still there. */
  onStart: (name: string, id: ProcessId) => void
  /** Also deletes the folder. */
  stop: () => Promise<void>
}

/**
 * PostgreSQL, Redis and RabbitMQ in a scratch folder of their own: they may run beside a `npm start`.
 * @param settings of PostgreSQL
 * @param onStarted called for each of them, and for each process of the caller's
 */
export async function startScratchServers(
  settings: Record<string, string> = {},
  onStarted: (name: string, id: ProcessId) => void = () => {},
): Promise<ScratchServers> {
  const folder = await makeScratchFolder()
  const record = RunRecord.ofNewFolder(folder)
  const onStart = (name: string, id: ProcessId) => {
    record.started(name, id)
    onStarted(name, id)
  }
  const options = (name: string) => ({ dataDir: join(folder, name), onStart })
  const starting = [
    startPostgres({ ...options('postgres'), settings }),
    startRedis(options('redis')),
    startRabbitmq({ ...options('rabbitmq'), disposable: true }),
  ] as const
  const stop = async () => {
    // What is still starting must be there before it can be stopped.
    const started = await Promise.allSettled<RunningServer>(starting)
    await Promise.all(started.flatMap((server) => (server.status === 'fulfilled' ? [server.value.stop()] : [])))
    record.killAll()
    await removeScratchFolder(folder)
  }
  try {
    const [postgres, redis, rabbitmq] = await Promise.all(starting)
    return { folder, postgres, redis, rabbitmq, onStart, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
