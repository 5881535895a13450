import { useEffect, useState } from 'preact/hooks'
import type { ServerClock } from './clock.ts'

/** Seconds are shown: looked at four times as often, none is ever left out. */
const LOOK_MS = 250

/** The time of that clock; the component is drawn anew as it goes on. */
export function useNow(clock: ServerClock): number {
  const [, drawAnew] = useState({})
  useEffect(() => {
    const timer = setInterval(() => drawAnew({}), LOOK_MS)
    return () => clearInterval(timer)
  }, [])
  return clock.nowMs()
}
