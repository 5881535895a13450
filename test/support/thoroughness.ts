/** Set by `npm run test:long`: every case as often, and with as much, as it takes to find what is rare. */
export const isLong = process.env.TEST_LONG === 'true'

/** How often, or how much: `npm test` takes the first, `npm run test:long` the second. */
export const shortOrLong = <Value>(short: Value, long: Value): Value => (isLong ? long : short)
