/** When requests are to be sent; times in ms since the start of the run. Nothing becomes due at or after `endsAtMs`. */
export interface Schedule {
  /** @returns when the next request was due, if one is due by now; it then counts as taken. */
  take: (nowMs: number) => number | undefined
  /** How many are due and not taken. */
  waiting: (nowMs: number) => number
  endsAtMs: number
}

/** The next request goes out as soon as a connection is free: what a server can do at most. */
export function closedSchedule(seconds: number): Schedule {
  const endsAtMs = seconds * 1_000
  return { endsAtMs, take: (nowMs) => (nowMs < endsAtMs ? nowMs : undefined), waiting: () => 0 }
}

/**
 * Buyers come at a fixed rate, whatever the server does. A request that finds no free connection stays due since the
 * moment it was meant for, so that a server that stalls pays for everybody who waited (no coordinated omission).
 */
export function openSchedule(seconds: number, ratePerSecond: number): Schedule {
  const endsAtMs = seconds * 1_000
  const everyMs = 1_000 / ratePerSecond
  let taken = 0
  const due = (nowMs: number) => Math.ceil(Math.min(nowMs, endsAtMs) / everyMs)
  return {
    endsAtMs,
    waiting: (nowMs) => Math.max(0, due(nowMs) - taken),
    take: (nowMs) => (taken < due(nowMs) ? everyMs * taken++ : undefined),
  }
}
