// node --import …/shift-clock.mjs: shifts this process' clock by CLOCK_SHIFT_MS ahead of (or behind) the machine's. Timers
// and the clocks of the servers are unaffected. Plain JavaScript, because services run as bundles without tsx: its loader
// in NODE_OPTIONS reached the gateway's workers, too, and one of them hung at its start while tsx's cache was empty.
const shiftMs = Number(process.env.CLOCK_SHIFT_MS)
const now = Date.now.bind(Date)

Date.now = () => now() + shiftMs
globalThis.Date = new Proxy(Date, {
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length === 0 ? [target.now()] : args, newTarget),
})
