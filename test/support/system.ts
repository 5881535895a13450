import { type ServiceName, startSystemIn, type System } from './start-system.ts'
import { createWorld } from './world.ts'

export type { ServiceName, System } from './start-system.ts'

/** The whole system in this process, on a world of its own. */
export async function startSystem(settings?: Record<string, string>, which?: ServiceName[]): Promise<System> {
  return startSystemIn(await createWorld(), settings, which)
}
