import { join } from 'node:path'
import { type LauncherDoor, openLauncherDoor } from '../../dev/launcher-door.ts'
import { makeScratchFolder, removeScratchFolder } from '../../dev/scratch-folder.ts'
import { startService } from '../../dev/services.ts'
import { Supervisor } from '../../dev/supervise.ts'
import { startSystem, type System } from './system.ts'

/** A system with a launcher, as `npm start` is one: its order service is a process that can be killed and comes back. */
export interface Demo extends System {
  door: LauncherDoor
}

export async function startDemo(settings: Record<string, string> = {}): Promise<Demo> {
  const folder = await makeScratchFolder()
  const system = await startSystem(settings, ['payment-provider', 'cancel-worker', 'gateway'])
  const orderService = new Supervisor({
    name: 'order-service', say: () => {},
    start: (signal) => startService({
      service: { name: 'order-service' }, env: { PATH: process.env.PATH, ...system.env }, logFile: join(folder, 'order-service.log'),
      again: true, onStart: () => {}, signal,
    }),
  })
  await orderService.start()
  const door = await openLauncherDoor([orderService])
  await system.start('control-room', door.env)
  return {
    ...system, door,
    async close() {
      await system.stop('control-room')
      await door.close()
      await orderService.stop()
      await system.close()
      await removeScratchFolder(folder)
    },
  }
}
