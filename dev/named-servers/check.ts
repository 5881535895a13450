import { setTimeout as sleep } from 'node:timers/promises'
import { addressOf, Fault, type NamedServer, type Look } from './fault.ts'
import { lookAtPostgres } from './postgres.ts'
import { lookAtRabbitmq } from './rabbitmq.ts'
import { lookAtRedis } from './redis.ts'

const SERVERS = [
  {
    name: 'PostgreSQL',
    variable: 'DATABASE_URL',
    scheme: /^postgres(ql)?:$/,
    example: 'postgresql://user:password@host:5432/database',
    look: lookAtPostgres,
  },
  {
    name: 'Redis',
    variable: 'REDIS_URL',
    scheme: /^rediss?:$/,
    example: 'redis://:password@host:6379',
    look: lookAtRedis,
  },
  {
    name: 'RabbitMQ',
    variable: 'RABBITMQ_URL',
    scheme: /^amqps?:$/,
    example: 'amqp://user:password@host:5672',
    look: lookAtRabbitmq,
  },
] as const
type Server = (typeof SERVERS)[number]

const LIMIT_MS = 600_000
const PAUSE_MS = 1_000

export interface Checking {
  signal: AbortSignal
  /** Told what is still waited for. */
  progress: (line: string) => void
  /** For what does not hinder the start. */
  warn: (sentence: string) => void
}

export const isAnyServerNamed = (env: NodeJS.ProcessEnv) => SERVERS.some(({ variable }) => env[variable])

/**
 * Checks the servers that the environment names by URL before anything is started on them; one that is slow is waited for.
 * @returns their versions, for people. @throws one sentence for each that cannot be used.
 */
export async function checkNamedServers(env: NodeJS.ProcessEnv, checking: Checking): Promise<string> {
  const named = SERVERS.filter(({ variable }) => env[variable])
  const looks = await Promise.allSettled(named.map((server) => check(server, env[server.variable] ?? '', checking)))
  const faults = looks.flatMap((look) => (look.status === 'rejected' ? [(look.reason as Error).message] : []))
  if (faults.length > 0) throw new Error(faults.join('\n'))
  return looks.flatMap((look) => (look.status === 'fulfilled' ? [look.value] : [])).join(', ')
}

async function check(kind: Server, value: string, checking: Checking): Promise<string> {
  const { name, variable, scheme, example } = kind
  if (!URL.canParse(value) || !scheme.test(new URL(value).protocol)) {
    throw new Error(
      `${variable} is not a URL of ${name}; expected ${example}, with other characters than letters and ` +
        'digits percent-encoded.',
    )
  }
  const server: NamedServer = { name, variable, url: new URL(value) }
  try {
    const { version, warnings } = await lookPatiently(kind, server, checking)
    for (const warning of warnings) checking.warn(`${variable}: ${warning}`)
    return `${name} ${version} (${variable})`
  } catch (error) {
    throw error instanceof Fault ? new Error(`${variable}: ${error.message}`, { cause: error }) : error
  }
}

/** Silence, or a server that says that it is starting, passes. */
async function lookPatiently({ look }: Server, server: NamedServer, { signal, progress }: Checking): Promise<Look> {
  for (const startedAt = Date.now(); ; ) {
    try {
      return await look(server)
    } catch (error) {
      if (error instanceof Fault || signal.aborted) throw error
      const reason = (error as Error).message.trim().split('\n').at(-1)
      const seconds = Math.round((Date.now() - startedAt) / 1_000)
      if (seconds * 1_000 > LIMIT_MS) {
        throw new Fault(`${server.name} at ${addressOf(server)} could not be used for ${seconds} s: ${reason}.`)
      }
      progress(`${server.variable}: waiting for ${server.name} at ${addressOf(server)}, ${seconds} s so far: ${reason}`)
      await sleep(PAUSE_MS, undefined, { signal }).catch(() => {})
    }
  }
}
