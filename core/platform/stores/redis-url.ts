import { parseUrl } from '../http/http-url.ts'

interface Host {
  host: string
  port: number
}

interface Credentials {
  username?: string
  password?: string
}

/** What REDIS_URL names: one server, nodes of a cluster, or a group of servers that sentinels watch. */
export type RedisAddress = { isTls: boolean; login: Credentials } & (
  | { kind: 'server'; url: string }
  | { kind: 'cluster'; nodes: Host[] }
  | { kind: 'sentinel'; sentinels: Host[]; group: string; db: number; sentinelLogin: Credentials }
)

const SHAPE = /^(rediss?)(\+sentinel)?:\/\/(?:([^@/?#]*)@)?([^@/?#]+)(?:\/([^?#]*))?(?:\?([^#]*))?$/
const HOST = /^(\[[\da-f:.]+\]|[^\s:[\]]+)(?::(\d{1,5}))?$/i
const REDIS_PORT = 6_379
const SENTINEL_PORT = 26_379

const EXPECTED =
  'expected redis://host:6379, nodes of a cluster as redis://host:6379,host2:6379, or a group that sentinels watch ' +
  'as redis+sentinel://host:26379,host2:26379/mymaster; rediss for TLS, special characters percent-encoded'
const PARAMETERS = ['sentinelUsername', 'sentinelPassword']

/** @returns also what is wrong with it, without quoting it: it may hold a password */
export function readRedisUrl(text: string): RedisAddress | { fault: string } {
  const [, scheme, sentinel, login = '', hosts = '', path = '', query = ''] = SHAPE.exec(text) ?? []
  if (scheme === undefined) return { fault: EXPECTED }
  const common = { isTls: scheme === 'rediss', login: credentials(login) }
  if (sentinel) return sentinelGroup(common, hosts, path, query)
  if (!hosts.includes(',')) return parseUrl(text) ? { ...common, kind: 'server', url: text } : { fault: EXPECTED }
  const nodes = readHosts(hosts, REDIS_PORT)
  if (!nodes) return { fault: EXPECTED }
  if (path !== '' || query !== '') return { fault: 'expected no database and no parameter: a cluster has database 0' }
  return { ...common, kind: 'cluster', nodes }
}

/** A URL for each login that it names: those of the servers, and those of sentinels. Empty when it cannot be read. */
export function loginUrlsOf(text: string): string[] {
  const address = readRedisUrl(text)
  if ('fault' in address) return []
  const logins = address.kind === 'sentinel' ? [address.login, address.sentinelLogin] : [address.login]
  return logins.map(({ username = '', password = '' }) => {
    const [user, secret] = [encodeURIComponent(username), encodeURIComponent(password)]
    return `redis://${user}:${secret}@redis`
  })
}

function sentinelGroup(
  common: { isTls: boolean; login: Credentials },
  hosts: string,
  path: string,
  query: string,
): RedisAddress | { fault: string } {
  const sentinels = readHosts(hosts, SENTINEL_PORT)
  const [, group, db = '0'] = /^([^/]+)(?:\/(\d*))?$/.exec(path) ?? []
  if (!sentinels) return { fault: EXPECTED }
  if (group === undefined) return { fault: 'expected the name of the group after the sentinels, such as /mymaster' }
  const parameters = new URLSearchParams(query)
  const unknown = [...parameters.keys()].find((name) => !PARAMETERS.includes(name))
  if (unknown !== undefined) return { fault: `?${unknown} is not supported, expected only ${PARAMETERS.join(', ')}` }
  const sentinelLogin = login(parameters.get('sentinelUsername') ?? '', parameters.get('sentinelPassword') ?? '')
  return { ...common, kind: 'sentinel', sentinels, group: decoded(group), db: Number(db), sentinelLogin }
}

function readHosts(text: string, defaultPort: number): Host[] | undefined {
  const hosts = text.split(',').map((each) => {
    const [, host = '', port] = HOST.exec(each) ?? []
    return { host: host.replace(/^\[|\]$/g, ''), port: Number(port ?? defaultPort) }
  })
  return hosts.every(({ host, port }) => host !== '' && port > 0 && port <= 65_535) ? hosts : undefined
}

function credentials(text: string): Credentials {
  const colon = text.indexOf(':')
  return colon < 0 ? login(decoded(text), '') : login(decoded(text.slice(0, colon)), decoded(text.slice(colon + 1)))
}

const login = (username: string, password: string): Credentials => ({
  ...(username !== '' && { username }),
  ...(password !== '' && { password }),
})

/** Text that is not percent-encoded is taken as it stands. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
