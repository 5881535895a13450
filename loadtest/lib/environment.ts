/** The environment: addresses of the system (as `npm run -s urls` prints them) and sizes of the run. */

/** Services with /metrics, by name. A service without an address is left out. */
export const services: Readonly<Record<string, string>> = Object.fromEntries(
  ['gateway', 'order-service', 'cancel-worker', 'control-room', 'payment-provider'].flatMap((name) => {
    const url = __ENV[`${name.toUpperCase().replaceAll('-', '_')}_URL`]
    return url ? [[name, url]] : []
  }),
)

export const GATEWAY_URL = required('GATEWAY_URL')
export const CONTROL_ROOM_URL = required('CONTROL_ROOM_URL')
export const ADMIN_TOKEN = required('ADMIN_TOKEN')
/** Opens /metrics where the services have one. */
export const METRICS_TOKEN = __ENV.METRICS_TOKEN
/** Buyers sign their own tokens with it: signing in over HTTP would be a load of its own, before the sale begins. */
export const TOKEN_SECRET = required('TOKEN_SECRET')
export const PAYMENT_WINDOW_SECONDS = numberOf('PAYMENT_WINDOW_SECONDS', 60)

/** A size of the run, such as RATE or STOCK. @throws when it is not a positive number. */
export function numberOf(name: string, byDefault: number): number {
  const value = Number(__ENV[name] || byDefault)
  if (value > 0) return value
  throw new Error(`${name} is "${__ENV[name]}"; expected a number above 0.`)
}

/** A duration in k6's notation ("90s", "1h30m"), in seconds. @throws when it is not. */
export function secondsOf(name: string, byDefault: string): number {
  const text = __ENV[name] || byDefault
  if (!/^(\d+[hms])+$/.test(text))
    throw new Error(`${name} is "${text}"; expected a duration such as 30s, 5m or 1h30m.`)
  const inSeconds = { h: 3_600, m: 60, s: 1 }
  return [...text.matchAll(/(\d+)([hms])/g)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * inSeconds[unit as 'h' | 'm' | 's'],
    0,
  )
}

function required(name: string): string {
  const value = __ENV[name]
  if (value) return value
  throw new Error(
    `${name} is missing: npm run loadtest sets it for a running npm start, or take it from npm run -s urls.`,
  )
}
