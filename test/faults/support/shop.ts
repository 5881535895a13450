import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createTokens } from '../../../core/platform/http/tokens.ts'
import { RunRecord } from '../../../dev/run-file.ts'
import { makeScratchFolder, removeScratchFolder } from '../../../dev/scratch-folder.ts'
import { call } from '../../support/http-client.ts'
import { endWithFile } from '../../support/left-behind.ts'
import { Instance } from './instance.ts'
import { Links } from './links.ts'
import { Ledgers } from './ledgers.ts'
import type { ProcessId } from '../../../dev/processes.ts'
import { type AnyServers, type Servers, startServers } from './servers.ts'
import { type AnyInstance, environment, type InstanceName, ownSettings, SHOP_ALONE } from './settings.ts'
import { until } from './until.ts'

/** SALE_SHARDS=8 runs the tests with sales whose ledgers have so many shards. */
const SHARDS = Number(process.env.SALE_SHARDS ?? 1)

/** The whole shop with servers and processes of its own, each of which can be stopped and restarted. */
export interface Shop<Own extends AnyServers = Servers> {
  servers: Own
  links: Links
  instance: (name: InstanceName) => Instance
  instances: Instance[]
  /** Direct access to PostgreSQL, Redis and the broker, for the audit and for faults. */
  ledgers: Ledgers
  gateways: readonly [string, string]
  env: Record<string, string>
  /** A sale that has been open since yesterday, for another hour; returns its id. */
  openSale: (stock: number, perBuyerLimit?: number, more?: object) => Promise<string>
  controlRoom: string
  /** A buyer's token. */
  signIn: (buyerId: string) => string
  /** Ends all faults. Resolves when every server, link and instance is up. */
  whole: () => Promise<void>
  logFiles: () => string[]
  close: () => Promise<void>
}

const WHOLE_LIMIT_MS = 90_000
/** RabbitMQ 3.10 may hide confirmed messages of a quorum queue that is killed within its first second. */
const QUEUES_SETTLE_MS = 2_000

interface Plan<Own extends AnyServers> {
  overrides: Record<string, string>
  wanted: readonly AnyInstance[]
  startServers: (folder: string, onStart: (name: string, id: ProcessId) => void) => Promise<Own>
  /** The nodes of a cluster name each other by addresses of their own: no link can be in between. */
  hasLinks: boolean
  shards: number
}

/** Starts it all in a scratch folder; what a killed test leaves there is stopped by the next command. */
export function startShop(
  overrides: Record<string, string> = {},
  wanted: readonly AnyInstance[] = SHOP_ALONE,
): Promise<Shop> {
  return startShopOn({ overrides, wanted, startServers, hasLinks: true, shards: SHARDS })
}

export async function startShopOn<Own extends AnyServers>(plan: Plan<Own>): Promise<Shop<Own>> {
  const opened: (() => unknown)[] = []
  const close = async () => {
    for (const end of opened.splice(0).reverse()) await end()
  }
  endWithFile(close)
  try {
    return await open(plan, opened, close)
  } catch (error) {
    await close()
    throw error
  }
}

async function open<Own extends AnyServers>(
  { overrides, wanted, startServers: startAll, hasLinks, shards }: Plan<Own>,
  opened: (() => unknown)[],
  close: () => Promise<void>,
): Promise<Shop<Own>> {
  const folder = await makeScratchFolder()
  opened.push(() => removeScratchFolder(folder))
  const record = await RunRecord.claim(folder)
  const onStart = record.started.bind(record)
  await mkdir(join(folder, 'logs'))
  const servers = await startAll(folder, onStart)
  opened.push(() => servers.close())
  const links = new Links(servers)
  opened.push(() => links.close())
  const { env, ports } = await environment(overrides)

  const instances = await Promise.all(
    wanted.map(async ({ name, service, servers: needed }) => {
      const direct = {
        DATABASE_URL: servers.databaseUrl,
        REDIS_URL: servers.redisUrl,
        RABBITMQ_URL: servers.rabbitmqUrl,
      }
      const own = { ...env, ...direct, ...ownSettings(name, ports), ...(hasLinks && (await links.lay(name, needed))) }
      const instance = new Instance({ name, service, env: own, logFile: join(folder, 'logs', `${name}.log`), onStart })
      opened.push(() => instance.end())
      await instance.start()
      return instance
    }),
  )
  await sleep(QUEUES_SETTLE_MS)
  const ledgers = new Ledgers(servers, env)
  opened.push(() => ledgers.close())
  const tokens = createTokens(env.TOKEN_SECRET ?? '')
  const instanceNamed = (name: InstanceName) => instances.find((instance) => instance.name === name) as Instance

  const controlRoom = `http://127.0.0.1:${ports['control-room']}`
  return {
    servers,
    links,
    controlRoom,
    instances,
    ledgers,
    env,
    close,
    instance: instanceNamed,
    gateways: [`http://127.0.0.1:${ports['gateway-1']}`, `http://127.0.0.1:${ports['gateway-2']}`],
    signIn: (buyerId) => tokens.sign(buyerId),
    openSale: (stock, perBuyerLimit = 1, more = {}) =>
      openSale(controlRoom, env.ADMIN_TOKEN ?? '', { stock, perBuyerLimit, shards, ...more }),
    async whole() {
      await servers.whole()
      for (const name of links.names()) links.named(name).restore()
      for (const instance of instances) instance.resume()
      await until('every instance to be ready', WHOLE_LIMIT_MS, () => instances.every((instance) => instance.isReady))
      await until('both ledgers to answer', WHOLE_LIMIT_MS, () => ledgers.answer())
    },
    logFiles: () => instances.map((instance) => instance.logFile),
  }
}

async function openSale(
  controlRoom: string,
  token: string,
  sale: { stock: number; perBuyerLimit: number; shards: number },
): Promise<string> {
  const id = `sale-${randomBytes(4).toString('hex')}`
  const answer = await call('POST', `${controlRoom}/sales`, {
    token,
    body: {
      id,
      title: 'A sale under faults',
      priceCents: 1_000,
      opensAt: new Date(Date.now() - 86_400_000).toISOString(),
      closesAt: new Date(Date.now() + 3_600_000).toISOString(),
      ...sale,
    },
  })
  if (answer.status !== 201) throw new Error(`No sale: ${JSON.stringify(answer)}`)
  return id
}
