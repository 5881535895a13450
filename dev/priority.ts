import { writeFileSync } from 'node:fs'
import { setPriority } from 'node:os'

/** What may wait while buyers rush. RabbitMQ and Redis are not among it: the gateway needs them for each purchase. */
const HEAVY = new Set(['postgres', 'order-service', 'subscribers', 'cancel-worker', 'control-room'])
/**
 * Each of them gets a fifth of what a process of the light side gets of a busy core: enough to go on writing orders in a
 * rush, of which buyers wait for the result.
 */
const NICENESS = 7

/**
 * Lets the gateway go first on a machine that runs everything. Called as soon as a process exists: its threads and
 * children inherit the priority.
 */
export function yieldToLightSide(name: string, pid: number, say: (line: string) => void): void {
  // Pid 0, of a process that could not be started, would mean this one.
  if (pid === 0 || !HEAVY.has(name)) return
  try {
    setPriority(pid, NICENESS)
    // Linux weighs sessions against each other first, and each of our children leads one: niceness alone does nothing.
    if (process.platform === 'linux') writeFileSync(`/proc/${pid}/autogroup`, String(NICENESS))
  } catch (error) {
    say(`${name} keeps the priority of the gateway: ${(error as Error).message}`)
  }
}
