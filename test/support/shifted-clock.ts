/**
 * Environment of a service that makes it import this file first, which shifts its clock ahead of (or behind) the
 * machine's. Timers and the clocks of the servers are unaffected.
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
    construct: (target, args: unknown[], newTarget) =>
      Reflect.construct(target, args.length === 0 ? [target.now()] : args, newTarget) as Date,
  })
}
