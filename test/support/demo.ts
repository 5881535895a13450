import { join } from 'node:path'
import { type LauncherApi, openLauncherApi } from '../../dev/launcher-api.ts'
import { makeScratchFolder, removeScratchFolder } from '../../dev/scratch-folder.ts'
import { startService } from '../../dev/services.ts'
import { Supervisor } from '../../dev/supervise.ts'
import { serviceArgs } from '../bundles.ts'
import { endWithFile, noteProcess } from './left-behind.ts'
import { type ServiceName, startSystem, type System } from './system.ts'

const IN_PROCESS: ServiceName[] = ['payment-provider', 'cancel-worker', 'gateway']

/** A system with a launcher, like `npm start`: some services are processes that are restarted when they are killed. */
export interface Demo extends System {
  launcherApi: LauncherApi
}

export async function startDemo(
  settings: Record<string, string> = {},
  processes: ServiceName[] = ['order-service'],
): Promise<Demo> {
  const folder = await makeScratchFolder()
  const system = await startSystem(
    settings,
    IN_PROCESS.filter((name) => !processes.includes(name)),
  )
  const supervisors = processes.map(
    (name) =>
      new Supervisor({
        name,
        say: () => {},
        start: (signal) =>
          startService({
            service: { name },
            env: { PATH: process.env.PATH, ...system.env },
            program: serviceArgs(name),
            logFile: join(folder, `${name}.log`),
            signal,
            onStart: (started, id) => void noteProcess(started, id),
          }),
      }),
  )
  const stopAll = () => Promise.all(supervisors.map((supervisor) => supervisor.stop()))
  endWithFile(stopAll)
  await Promise.all(supervisors.map((supervisor) => supervisor.start()))
  const launcherApi = await openLauncherApi(supervisors)
  await system.start('control-room', launcherApi.env)
  return {
    ...system,
    launcherApi,
    async close() {
      await system.stop('control-room')
      await launcherApi.close()
      await stopAll()
      await system.close()
      await removeScratchFolder(folder)
    },
  }
}
