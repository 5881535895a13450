import { startTcpProxy, type TcpProxy } from '../../support/tcp-proxy.ts'
import type { AnyServers, ServerName } from './servers.ts'

const VARIABLES = { postgres: 'DATABASE_URL', redis: 'REDIS_URL', rabbitmq: 'RABBITMQ_URL' } as const satisfies Record<
  ServerName,
  string
>

/** The connections from instances to servers, each with a proxy of its own: "gateway-1 to redis". */
export class Links {
  readonly #servers: AnyServers
  readonly #proxies = new Map<string, TcpProxy>()

  constructor(servers: AnyServers) {
    this.#servers = servers
  }

  names(): string[] {
    return [...this.#proxies.keys()]
  }

  between(instance: string, server: ServerName): TcpProxy {
    return this.named(`${instance} to ${server}`)
  }

  /** @throws when there is no such link. */
  named(name: string): TcpProxy {
    const proxy = this.#proxies.get(name)
    if (!proxy) throw new Error(`There is no link "${name}"; there are ${this.names().join(', ')}`)
    return proxy
  }

  /** Starts the proxies of an instance. @returns the addresses for its settings */
  async lay(instance: string, servers: readonly ServerName[]): Promise<Record<string, string>> {
    const addresses: Record<string, string> = {}
    for (const server of servers) {
      const url = new URL(this.#servers[`${server === 'postgres' ? 'database' : server}Url`])
      const proxy = await startTcpProxy({ host: url.hostname, port: Number(url.port) })
      this.#proxies.set(`${instance} to ${server}`, proxy)
      url.port = String(proxy.port)
      addresses[VARIABLES[server]] = url.href
    }
    return addresses
  }

  async close(): Promise<void> {
    await Promise.all([...this.#proxies.values()].map((proxy) => proxy.close()))
  }
}
