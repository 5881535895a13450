/**
 * To be imported before a service, `NODE_OPTIONS=--import=…`: its clock is CLOCK_SHIFT_MS ahead of the machine's, or behind.
 * Timers run as they do; what a process asks the servers for is theirs.
 */
const shiftMs = Number(process.env.CLOCK_SHIFT_MS)
const now = Date.now.bind(Date)

globalThis.Date = class extends Date {
  constructor(...given) {
    if (given.length === 0) super(now() + shiftMs)
    else super(...given)
  }

  static now() {
    return now() + shiftMs
  }
}
