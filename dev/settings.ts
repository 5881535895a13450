import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { secretFile } from './secrets.ts'
import { addressesOf, type Service, SERVICES_OF_CLUSTER, variable } from './services.ts'

const SECRETS = ['TOKEN_SECRET', 'PAYMENT_SECRET', 'ADMIN_TOKEN']

/** What `npm run -s urls` prints, as far as it is known. */
const ADDRESSES = [
  ...SERVICES_OF_CLUSTER.map(({ name }) => variable(name, 'URL')).reverse(),
  'ADMIN_TOKEN',
  'METRICS_TOKEN',
  'TOKEN_SECRET',
  'DATABASE_URL',
  'REDIS_URL',
  'RABBITMQ_URL',
  'RABBITMQ_MANAGEMENT_URL',
  'PAYMENT_WINDOW_SECONDS',
  // What further processes of a service must be told alike.
  'REDIS_KEY_PREFIX',
  'TRACE_STORE_URL',
  'SMS_LOG_FILE',
]

/** How the demo differs from the services' defaults; the profile demo of docker-compose.yml is held against it. */
export const DEMO = {
  DEMO_MODE: 'true',
  HOST: '127.0.0.1',
  LOG_LEVEL: 'info',
  PAYMENT_WINDOW_SECONDS: '60', // Short enough to watch an order lapse.
  // Below the 1,000 purchases per second of a simulated crowd on a laptop; at a higher rate the queue would stay empty.
  ORDERS_PER_SECOND: '300',
  // All buyers of a laptop come from one address, and a load test should meet the stock's end, not this limit.
  GATEWAY_RATE_PER_SECOND: '20000',
  ADDRESS_RATE_PER_SECOND: '20000',
  ADDRESS_BURST: '20000',
  POLL_RATE_PER_SECOND: '20000',
  POLL_BURST: '20000',
  SIGN_IN_RATE_PER_SECOND: '1000',
  SIGN_IN_BURST: '1000',
  TICKET_RATE_PER_SECOND: '1000',
  TICKET_BURST: '1000',
}

/** The services' environment as far as it is known before the servers run. What the person has set wins. */
export async function demoSettings(folder: string, services: readonly Service[]): Promise<NodeJS.ProcessEnv> {
  const given = Object.fromEntries(Object.entries(process.env).filter(([, value]) => value !== ''))
  const addresses = await addressesOf(services, given)
  const own = await secrets(folder)
  return {
    ...DEMO,
    SMS_LOG_FILE: join(folder, 'logs', 'sms.log'),
    ...own,
    PUBLIC_URL: addresses.GATEWAY_URL,
    // By the name that people type: a browser keeps what the page remembers by that.
    SHOP_PAGE_URL: addresses.GATEWAY_URL?.replace('127.0.0.1', 'localhost'),
    ...addresses,
    READINESS_URLS: readinessUrls(services, addresses),
    CROWD_TOKEN_SECRET: given.TOKEN_SECRET ?? own.TOKEN_SECRET,
    ...given,
  }
}

/** For the control room, which asks all others. */
function readinessUrls(services: readonly Service[], addresses: Record<string, string>): string {
  return services
    .filter(({ name }) => name !== 'control-room')
    .map(({ name }) => `${name}=${addresses[variable(name, 'URL')]}`)
    .join(',')
}

/** Random, and the same at every start, so that a buyer's token outlives a restart. */
async function secrets(folder: string): Promise<Record<string, string>> {
  await mkdir(join(folder, 'secrets'), { recursive: true, mode: 0o700 })
  const pairs = await Promise.all(
    SECRETS.map(async (name): Promise<[string, string]> => [name, await secretFile(join(folder, 'secrets', name))]),
  )
  return Object.fromEntries(pairs)
}

export function addresses(settings: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(ADDRESSES.flatMap((name) => (settings[name] ? [[name, settings[name]]] : [])))
}
