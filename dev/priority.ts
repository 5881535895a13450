import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { setPriority } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'

/** What may wait while buyers rush. RabbitMQ and Redis are not among it: the gateway needs them for each purchase. */
const HEAVY = new Set(['postgres', 'order-service', 'subscribers', 'cancel-worker', 'control-room'])
/**
 * Each of them gets a fifteenth of what a process of the light side gets of a busy core, and there are many of them.
 * With a fifth (7) buying kept 0.61 to 0.67 of its rate while orders were written, with this 0.66 to 0.79, and as many
 * orders were written.
 */
const NICENESS = 12
/** Linux lets users other than root write one autogroup in 100 ms. */
const PAUSE_MS = 110
const LOOK_EVERY_MS = 1_000

/**
 * Lets the gateway go first on a machine that runs everything. Called as soon as a process exists: its threads and
 * children inherit the priority.
 */
export function yieldToLightSide(name: string, pid: number, say: (line: string) => void): void {
  // Pid 0, of a process that could not be started, would mean this one.
  if (pid === 0 || !HEAVY.has(name.replace(/-\d+$/, ''))) return
  try {
    setPriority(pid, NICENESS)
  } catch (error) {
    say(`${name} keeps the priority of the gateway: ${(error as Error).message}`)
    return
  }
  if (existsSync('/proc/self/autogroup')) void lowerSessions(pid)
}

/**
 * Linux weighs sessions against each other first, and niceness only within one. Each of our children leads one, and so
 * does each backend of PostgreSQL, which is there only once a service has connected. Ends with the process.
 */
async function lowerSessions(pid: number): Promise<void> {
  for (let pids = [pid]; pids.length > 0; pids = withChildren(pid)) {
    for (const one of pids) if (lowerSession(one)) await delay(PAUSE_MS, undefined, { ref: false })
    await delay(LOOK_EVERY_MS, undefined, { ref: false })
  }
}

/** @returns whether it was still to be lowered. It may be refused for this time, or the process have ended. */
function lowerSession(pid: number): boolean {
  const file = `/proc/${pid}/autogroup`
  try {
    if (readFileSync(file, 'utf8').trim().endsWith(` nice ${NICENESS}`)) return false
    writeFileSync(file, String(NICENESS))
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EAGAIN'
  }
}

/** None once the process has ended. */
function withChildren(pid: number): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    return [pid, ...children.trim().split(' ').filter(Boolean).map(Number)]
  } catch {
    return []
  }
}
