import { join } from 'node:path'
import { type ProcessId, startChild } from './processes.ts'
import { claimable, freePort } from './servers/ports.ts'
import { waitUntilReady } from './servers/ready.ts'
import type { Running } from './supervise.ts'

const CHECKOUT = join(import.meta.dirname, '..')
const START_LIMIT_MS = 60_000
/** More than a service's own limit on draining (20 s), which ends it by itself. */
const STOP_LIMIT_MS = 25_000

export interface Service {
  /** The room it lives in; its variables are named after it, as in ORDER_SERVICE_PORT. */
  name: string
  /** Default: a free one. */
  port?: number
}

/** In the order of their start. They stop in reverse: the gateway first, so that nothing new comes in. */
export const SERVICES: readonly Service[] = [
  { name: 'payment-provider' },
  { name: 'subscribers' },
  { name: 'cancel-worker' },
  { name: 'order-service' },
  { name: 'control-room', port: 3001 },
  { name: 'gateway', port: 3000 },
]

/** `variable('order-service', 'PORT')` is `ORDER_SERVICE_PORT`. */
export function variable(name: string, what: 'PORT' | 'URL' | 'PID'): string {
  return `${name.toUpperCase().replaceAll('-', '_')}_${what}`
}

/**
 * The port and URL variables of all services. One whose URL is given runs elsewhere and needs no port.
 * @throws one sentence when a port is taken.
 */
export async function addressesOf(services: readonly Service[], env: NodeJS.ProcessEnv): Promise<Record<string, string>> {
  const addresses: Record<string, string> = {}
  for (const { name, port } of services) {
    const [portVariable, urlVariable] = [variable(name, 'PORT'), variable(name, 'URL')]
    const givenUrl = env[urlVariable]
    if (givenUrl) {
      addresses[urlVariable] = givenUrl
      continue
    }
    const wanted = env[portVariable] || port
    const chosen = wanted ? await claimable(portNumber(wanted, portVariable), portVariable) : await freePort()
    addresses[portVariable] = String(chosen)
    addresses[urlVariable] = `http://127.0.0.1:${chosen}`
  }
  return addresses
}

function portNumber(value: string | number, name: string): number {
  const port = Number(value)
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port
  throw new Error(`${name} is "${value}"; expected a port, a whole number from 1 to 65535.`)
}

export interface ServiceStart {
  service: Service
  env: NodeJS.ProcessEnv
  logFile: string
  /** Started before in this run: its log goes on. */
  again: boolean
  onStart: (name: string, id: ProcessId) => void
  signal: AbortSignal
}

/** Resolves when the service answers that it is ready. */
export async function startService({ service: { name }, env, logFile, again, onStart, signal }: ServiceStart): Promise<Running> {
  const args = ['--import', 'tsx', join(name, 'main.ts')]
  const child = startChild({ command: process.execPath, args, cwd: CHECKOUT, env, logFile, append: again })
  onStart(name, child)
  const readyz = `http://127.0.0.1:${env[variable(name, 'PORT')]}/readyz`
  const isReady = async () => (await fetch(readyz, { signal: AbortSignal.timeout(2_000) })).ok
  await waitUntilReady(isReady, { name, child, logFile, limitMs: START_LIMIT_MS, signal })
  return {
    pids: [child.pid],
    ended: child.ended,
    logFile,
    stop: () => child.stop('SIGTERM', STOP_LIMIT_MS),
  }
}
