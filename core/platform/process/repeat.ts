import type { Logger } from './log.ts'

export interface Repeating {
  /** Starts the next run early; during a run, one more follows it at once. */
  soon: () => void
  /** Starts no further run and waits for the current one. */
  close: () => Promise<void>
}

/** Upper bound of the pause after a failed run: work with an interval of ten minutes must not miss two of them. */
const RETRY_AFTER_MAX_MS = 10_000

/**
 * Runs the work immediately and then `intervalMs` after the end of each run, never two at a time. A failing run is
 * logged and does not end the loop. The work must have time limits of its own: `close` waits for it.
 * @param onRun called after each run
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
      log.error({ err: error }, 'background run failed, retrying')
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
