import type { Logger } from './log.ts'

export interface Repeating {
  /** Wakes the work early; while a run is in hand, one more follows it at once. */
  soon: () => void
  /** Starts no further run and waits for the one in hand. */
  close: () => Promise<void>
}

/**
 * Runs the work now and then `intervalMs` after each run's end, never two at a time. A failing run is logged and does
 * not end the loop. The work brings its own time limits: `close` waits for it.
 */
export function repeat(intervalMs: number, work: () => Promise<unknown>, log: Logger): Repeating {
  let closing = false
  let isWanted = false
  let wake: () => void = () => {}

  async function run(): Promise<void> {
    while (!closing) {
      isWanted = false
      try {
        await work()
      } catch (error) {
        log.error({ err: error, work: work.name, nextInMs: intervalMs }, 'repeated work failed, trying again later')
      }
      if (!closing && !isWanted) await pause()
    }
  }

  const pause = () => new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, intervalMs)
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
