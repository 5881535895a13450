import { setTimeout as sleep } from 'node:timers/promises'
import { stretched } from '../../support/patience.ts'
import { RedisMemory } from '../support/redis-memory.ts'
import type { AnyServers, ServerName, Servers } from '../support/servers.ts'
import type { InstanceName } from '../support/settings.ts'
import type { Shop } from '../support/shop.ts'

/** Causes the fault, keeps it for its duration, and ends it. */
export type Strike<Own extends AnyServers = Servers> = (shop: Shop<Own>, holdMs: number) => Promise<void>

const anyServer = (name: ServerName): Record<string, Strike> => ({
  async kill({ servers }, holdMs) {
    await servers[name].kill()
    await sleep(holdMs)
    await servers[name].start()
  },
  async pause({ servers }, holdMs) {
    servers[name].pause()
    await sleep(holdMs)
    servers[name].resume()
  },
  async restart({ servers }) {
    await servers[name].stop()
    await servers[name].start()
  },
})

const postgres: Record<string, Strike> = {
  ...anyServer('postgres'),
  async 'terminate backends'({ ledgers }) {
    await ledgers.database.$executeRaw`
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()`
  },
  async 'lock the sales'({ ledgers }, holdMs) {
    await ledgers.database.$transaction(
      async (tx) => {
        await tx.$executeRaw`LOCK TABLE sales IN ACCESS EXCLUSIVE MODE`
        await sleep(holdMs)
      },
      { maxWait: stretched(10_000), timeout: stretched(30_000) },
    )
  },
}

const redis: Record<string, Strike> = {
  ...anyServer('redis'),
  async 'run out of memory'({ ledgers }, holdMs) {
    await ledgers.redis.config('SET', 'maxmemory', '1')
    await sleep(holdMs)
    await ledgers.redis.config('SET', 'maxmemory', '0')
  },
  async 'forget the scripts'({ ledgers }) {
    await ledgers.redis.script('FLUSH')
  },
  async 'close connections'({ ledgers }) {
    await ledgers.redis.call('CLIENT', 'KILL', 'TYPE', 'normal')
  },
}

const rabbitmq: Record<string, Strike> = {
  ...anyServer('rabbitmq'),
  async 'close connections'({ servers }) {
    const { origin, username, password } = new URL(servers.rabbitmq.running.managementUrl)
    const headers = { authorization: `Basic ${btoa(`${username}:${password}`)}` }
    const connections = (await (await fetch(`${origin}/api/connections`, { headers })).json()) as { name: string }[]
    await Promise.all(
      connections.map(({ name }) =>
        fetch(`${origin}/api/connections/${encodeURIComponent(name)}`, { method: 'DELETE', headers }),
      ),
    )
  },
}

/** Only what is written in Redis' log survives these; see RedisMemory. */
export const LOSSES_OF_MEMORY: Record<string, Strike> = {
  async empty({ ledgers }) {
    await ledgers.redis.flushall()
  },
  async 'replace by an empty one'({ servers }) {
    await new RedisMemory(servers).replaceByEmpty()
  },
  async 'restore from an older copy'({ servers }, holdMs) {
    const memory = new RedisMemory(servers)
    await memory.copy()
    await sleep(holdMs)
    await memory.restoreCopy()
  },
}

export const SERVER_STRIKES: Record<ServerName, Record<string, Strike>> = { postgres, redis, rabbitmq }

export const instanceStrikes = (name: InstanceName): Record<string, Strike<AnyServers>> => ({
  // The orchestrator, which is part of the system, restarts it.
  async kill(shop) {
    shop.instance(name).kill()
  },
  async pause(shop, holdMs) {
    shop.instance(name).pause()
    await sleep(holdMs)
    shop.instance(name).resume()
  },
  async update(shop) {
    shop.instance(name).terminate()
  },
})

/** Server replies that confirm a write. */
const DONE: Record<ServerName, string | undefined> = { postgres: 'COMMIT', redis: 'RE', rabbitmq: undefined }

export function linkStrikes(instance: InstanceName, server: ServerName): Record<string, Strike> {
  const done = DONE[server]
  return {
    async cut({ links }, holdMs) {
      links.between(instance, server).cut()
      await sleep(holdMs)
      links.between(instance, server).restore()
    },
    async freeze({ links }) {
      links.between(instance, server).freeze()
    },
    async delay({ links }, holdMs) {
      // Up to more than any client waits for Redis.
      links.between(instance, server).delay(holdMs / 2)
      await sleep(holdMs)
      links.between(instance, server).restore()
    },
    ...(done === undefined
      ? {}
      : {
          async 'lose answers on'({ links }: Shop, holdMs: number) {
            links.between(instance, server).loseAnswers(done)
            await sleep(holdMs)
            links.between(instance, server).restore()
          },
        }),
  }
}
