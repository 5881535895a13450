import type { Logger } from './log.ts'

export interface Repeating {
  /** Wakes the work early; while a run is in hand, one more follows it at once. */
  soon: () => void
  /** Starts no further run and waits for the one in hand. */
  close: () => Promise<void>
}

/** A run that failed is tried again after this long at most: what comes every ten minutes must not be missed twice. */
const RETRY_AFTER_MAX_MS = 10_000

/**
 * Runs the work now and then `intervalMs` after each run's end, never two at a time. A failing run is logged and does
 * not end the loop. The work brings its own time limits: `close` waits for it.
 * @param onRun told of each run's end
 */
export function repeat(
  intervalMs: number,
  work: () => Promise<unknown>,
  log: Logger,
  onRun: (isSuccess: boolean) => void = () => {},
): Repeating {
  let closing = false
  let isWanted = false
  let wake: () => void = () => {}

  async function run(): Promise<void> {
    while (!closing) {
      isWanted = false
      const pauseMs = (await runOnce()) ? intervalMs : Math.min(intervalMs, RETRY_AFTER_MAX_MS)
      if (!closing && !isWanted) await pause(pauseMs)
    }
  }

  async function runOnce(): Promise<boolean> {
    try {
      await work()
      onRun(true)
      return true
    } catch (error) {
      log.error({ err: error }, 'background work failed, trying again')
      onRun(false)
      return false
    }
  }

  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })

  const running = run()
  return {
    soon() {
      isWanted = true
      wake()
    },
    async close() {
      closing = true
      wake()
      await running
    },
  }
}
