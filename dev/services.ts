import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { START_NONCE_HEADER } from '../core/platform/http/http-service.ts'
import type { Problem } from '../core/platform/process/readiness.ts'
import { TYPESCRIPT_ARGS } from '../core/platform/process/typescript-args.ts'
import { type Child, startChild } from './processes.ts'
import { claimPorts, freePort, type WantedPort } from './servers/ports.ts'
import { waitUntilReady } from './servers/ready.ts'
import type { StartOptions } from './servers/running-server.ts'

const CHECKOUT = join(import.meta.dirname, '..')
/** Time limit of one /readyz request. A service checks its servers first, which takes seconds on a loaded machine. */
const ANSWER_LIMIT_MS = 10_000
/** Longer than a service's own drain limit (20 s). */
const STOP_LIMIT_MS = 25_000

export interface Service {
  /** The room it lives in; its variables are named after it, as in ORDER_SERVICE_PORT. */
  name: string
  /** Default: a free one. */
  port?: number
  /** The room, of a further process of a service: "gateway-2" is a gateway. */
  of?: string
}

/** In the order of their start. They stop in reverse: the gateway first, so that nothing new comes in. */
export const SERVICES: readonly Service[] = [
  // Fixed, since links to pay stand in buyers' mails and browsers, and must work after a restart and through a tunnel.
  { name: 'payment-provider', port: 3004 },
  { name: 'subscribers' },
  { name: 'cancel-worker' },
  { name: 'order-service' },
  { name: 'control-room', port: 3001 },
  { name: 'gateway', port: 3000 },
]

/** Services that `npm run cluster` runs twice. */
const TWICE = ['order-service', 'gateway']
/** The same order. What is called "gateway" is the first of them, whose address the others get. */
export const SERVICES_OF_CLUSTER: readonly Service[] = SERVICES.flatMap((service) => [
  service,
  ...(TWICE.includes(service.name) ? [{ name: `${service.name}-2`, of: service.name }] : []),
])

/**
 * Enough for services that are idle most of the time: a young generation of 2 MB, and code optimised for size.
 */
const SMALL: Record<string, string[]> = {
  'payment-provider': ['--max-semi-space-size=2', '--optimize-for-size'],
  'cancel-worker': ['--max-semi-space-size=2', '--optimize-for-size'],
  'control-room': ['--max-semi-space-size=2', '--optimize-for-size'],
  subscribers: ['--max-semi-space-size=2'],
}
/**
 * glibc keeps freed memory in an arena per thread. With one arena a process takes 98 MB of its own instead of 167.
 */
const ONE_ARENA = { MALLOC_ARENA_MAX: '1' }

/** `variable('order-service', 'PORT')` is `ORDER_SERVICE_PORT`. */
export function variable(name: string, what: 'PORT' | 'URL' | 'PID'): string {
  return `${name.toUpperCase().replaceAll('-', '_')}_${what}`
}

/**
 * The port and URL variables of all services. A service named by URL runs elsewhere and needs no port.
 * @throws one sentence that names every port that is taken, with a command that chooses others.
 */
export async function addressesOf(
  services: readonly Service[],
  env: NodeJS.ProcessEnv,
): Promise<Record<string, string>> {
  const addresses: Record<string, string> = {}
  const wanted: WantedPort[] = []
  for (const { name, port } of services) {
    const [portVariable, urlVariable] = [variable(name, 'PORT'), variable(name, 'URL')]
    const givenUrl = env[urlVariable]
    const chosen = env[portVariable] || port
    if (givenUrl) addresses[urlVariable] = givenUrl
    else if (chosen) wanted.push({ variable: portVariable, port: portNumber(chosen, portVariable) })
    else wanted.push({ variable: portVariable, port: await freePort() })
  }
  await claimPorts(wanted)
  for (const { variable: portVariable, port } of wanted) {
    addresses[portVariable] = String(port)
    addresses[portVariable.replace(/PORT$/, 'URL')] = `http://127.0.0.1:${port}`
  }
  return addresses
}

function portNumber(value: string | number, name: string): number {
  const port = Number(value)
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port
  throw new Error(`${name} is "${value}"; expected a port, a whole number from 1 to 65535.`)
}

export interface ServiceStart extends StartOptions {
  service: Pick<Service, 'name'>
  env: NodeJS.ProcessEnv
  /** Arguments for node that run it; default: its sources. */
  program?: string[]
  logFile: string
}

/** Resolves when the service itself, and no other program on its port, answers that it is ready. */
export async function startService({
  service: { name },
  env,
  program = [...TYPESCRIPT_ARGS, join(name, 'main.ts')],
  logFile,
  ...options
}: ServiceStart): Promise<Child> {
  const nonce = randomUUID()
  const child = startChild({
    command: process.execPath,
    args: [...(SMALL[name] ?? []), ...program],
    cwd: CHECKOUT,
    env: { ...(name in SMALL && ONE_ARENA), ...env, START_NONCE: nonce },
    logFile,
    graceMs: STOP_LIMIT_MS,
  })
  options.onStart?.(name, child)
  const readyz = `http://127.0.0.1:${env[variable(name, 'PORT')]}/readyz`
  let problems: string | undefined
  const isReady = async () => {
    problems = undefined
    const answer = await fetch(readyz, { signal: AbortSignal.timeout(ANSWER_LIMIT_MS) })
    if (answer.headers.get(START_NONCE_HEADER) !== nonce) return false
    problems = ((await answer.json()) as { problems: Problem[] }).problems.map(({ detail }) => detail).join(' ')
    return answer.ok
  }
  await waitUntilReady(isReady, { ...options, name, child, waitsFor: () => problems })
  return child
}
