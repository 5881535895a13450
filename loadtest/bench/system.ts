import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { freePort } from '../../dev/servers/ports.ts'
import { addressesOf, SERVICES, startService, variable } from '../../dev/services.ts'
import type { Child } from '../../dev/processes.ts'
import { type Program, type ProgramStart, startProgram } from './program.ts'
import type { Servers } from './servers.ts'

/**
 * Limits that the bench raises; all others are as shipped. The crowd comes from one address and buys in one sale, and
 * the intake holds what builds up while the order service is stopped.
 */
export const RAISED = {
  GATEWAY_RATE_PER_SECOND: '1000000',
  GATEWAY_BURST: '1000000',
  ADDRESS_RATE_PER_SECOND: '1000000',
  ADDRESS_BURST: '1000000',
  POLL_RATE_PER_SECOND: '1000000',
  POLL_BURST: '1000000',
  INTAKE_QUEUE_MAX_LENGTH: '1000000',
  RESERVATION_LIFETIME_SECONDS: '600',
} as const
/** Raised, too, except where the order service is to be steady. */
const FULL_SPEED = { ORDERS_PER_SECOND: '1000000' } as const

export interface System {
  servers: Servers
  /** The services' environment. */
  env: Record<string, string>
  gateway: Program
  /** Another one, of so many processes; only while it is measured, because it costs CPU also when it is idle. */
  startGateway: (processes: number) => Promise<Program>
  isOrderServiceRunning: () => boolean
  /** Stops the one that runs. `steady`: at its default rate. */
  startOrderService: (speed: 'full' | 'steady') => Promise<void>
  stopOrderService: () => Promise<void>
  /** Services that ended by themselves. */
  deaths: string[]
  stop: () => Promise<void>
}

/** All services as real processes; without the order service at first. */
export async function startSystem(
  servers: Servers,
  gatewayArgs: string[] = [],
  more: Record<string, string> = {},
): Promise<System> {
  const env = { ...(await environment(servers)), ...more }
  const running = new Map<string, Child>()
  const deaths: string[] = []
  const start = async (name: string, settings: Record<string, string> = {}) => {
    const started = await startService({
      service: { name },
      env: { ...env, ...settings },
      logFile: join(servers.folder, 'logs', `${name}.log`),
      onStart: servers.onStart,
      signal: new AbortController().signal,
    })
    running.set(name, started)
    void started.ended.then((why) => {
      if (running.get(name) === started) deaths.push(`${name} ended: ${why}`)
    })
  }
  const stopService = async (name: string) => {
    const service = running.get(name)
    running.delete(name)
    await service?.stop()
  }
  const startGateway = (processes: number, more: Pick<ProgramStart, 'port' | 'nodeArgs'> = {}) => {
    const name = processes === 1 ? 'gateway' : `gateway, ${processes} processes`
    const settings = { ...env, GATEWAY_PROCESSES: String(processes) }
    return startProgram(servers, { name, file: 'gateway/main.ts', env: settings, ...more })
  }
  for (const { name } of SERVICES) if (name !== 'gateway' && name !== 'order-service') await start(name)
  // The payment provider reports to this port.
  const gateway = await startGateway(1, { port: Number(env.GATEWAY_PORT), nodeArgs: gatewayArgs })
  return {
    servers,
    env,
    gateway,
    startGateway,
    deaths,
    isOrderServiceRunning: () => running.has('order-service'),
    stopOrderService: () => stopService('order-service'),
    async startOrderService(speed) {
      await stopService('order-service')
      await start('order-service', speed === 'full' ? FULL_SPEED : {})
    },
    async stop() {
      await gateway.stop()
      for (const name of [...running.keys()].toReversed()) await stopService(name)
    },
  }
}

/** Of this process's environment only what a process needs to run is taken over. */
async function environment({ newDatabase, folder, redisUrl, rabbitmqUrl }: Servers): Promise<Record<string, string>> {
  const secret = () => randomBytes(24).toString('base64url')
  const ports = Object.fromEntries(
    await Promise.all(SERVICES.map(async ({ name }) => [variable(name, 'PORT'), String(await freePort())] as const)),
  )
  const addresses = await addressesOf(SERVICES, ports)
  return {
    ...RAISED,
    ...addresses,
    DEMO_MODE: 'true',
    PUBLIC_URL: addresses.GATEWAY_URL ?? '',
    PAYMENT_PAGE_URL: addresses.PAYMENT_PROVIDER_URL ?? '',
    PATH: process.env.PATH ?? '',
    TOKEN_SECRET: secret(),
    PAYMENT_SECRET: secret(),
    ADMIN_TOKEN: secret(),
    DATABASE_URL: await newDatabase('seckill'),
    REDIS_URL: redisUrl,
    RABBITMQ_URL: rabbitmqUrl,
    SMS_LOG_FILE: join(folder, 'sms.log'),
  }
}
