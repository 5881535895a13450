import { diesAt, type Failpoint } from '../../core/platform/process/failpoint.ts'
import { eventually } from './eventually.ts'
import { spawnProcess } from './service-process.ts'
import type { ServiceName } from './system.ts'
import { shortOrLong } from './thoroughness.ts'

/** Once shows that a restart recovers; three times, that it also recovers from a recovery that was killed. */
export const DEATHS = shortOrLong(1, 3)
const DEATH_TAKES_MS = 90_000

/** Makes the process reach the failpoint. `hasDied` ends waits for answers that no longer come. */
type Provoke = (hasDied: () => boolean) => Promise<unknown>

/**
 * Starts the service with the failpoint until it has died there, `DEATHS` times. @throws when it does not die there.
 */
export async function dieRepeatedly(
  service: ServiceName,
  env: NodeJS.ProcessEnv,
  at: Failpoint,
  provoke: Provoke,
): Promise<void> {
  for (let deaths = 0; deaths < DEATHS; deaths++) await dieOnce(service, env, at, provoke)
}

/** Starts the service with the failpoint until it has died there, when it reaches it for the `time`-th time. */
export async function dieOnce(
  service: ServiceName,
  env: NodeJS.ProcessEnv,
  at: Failpoint,
  provoke: Provoke,
  time = 1,
): Promise<void> {
  const doomed = spawnProcess(service, { ...env, FAILPOINT: `${at}:${time}` })
  const hasDied = () => doomed.output().includes(diesAt(at))
  // Kill the whole service: the primary of a gateway would restart the dead worker.
  const death = async () => {
    try {
      await eventually(
        `the ${service} to die at ${at}`,
        () => hasDied() || doomed.output(),
        (seen) => seen === true,
        DEATH_TAKES_MS,
      )
    } finally {
      await doomed.kill()
    }
  }
  await Promise.all([death(), provoke(hasDied)])
}
