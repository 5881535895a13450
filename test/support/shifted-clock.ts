/**
 * For the environment of a service, which then imports this very file before its own: its clock is so far ahead of the
 * machine's, or behind. Timers run as they do, and what it asks the servers for is theirs.
 */
export const shiftedClock = (shiftMs: number) => ({
  NODE_OPTIONS: `--import=tsx --import=${import.meta.url}`,
  CLOCK_SHIFT_MS: String(shiftMs),
})

if (process.env.CLOCK_SHIFT_MS) shift(Number(process.env.CLOCK_SHIFT_MS))

function shift(shiftMs: number): void {
  const now = Date.now.bind(Date)
  Date.now = () => now() + shiftMs
  globalThis.Date = new Proxy(Date, {
    construct: (target, given: unknown[], newTarget) =>
      Reflect.construct(target, given.length === 0 ? [target.now()] : given, newTarget) as Date,
  })
}
