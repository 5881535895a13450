import { setTimeout as sleep } from 'node:timers/promises'
import { addressOf, Fault, type NamedServer, type ServerReport } from './fault.ts'
import { checkPostgres } from './postgres.ts'
import { checkRabbitmq } from './rabbitmq.ts'
import { checkRedis } from './redis.ts'

const SERVERS = [
  {
    name: 'PostgreSQL',
    variable: 'DATABASE_URL',
    scheme: /^postgres(ql)?:$/,
    example: 'postgresql://user:password@host:5432/database',
    check: checkPostgres,
  },
  {
    name: 'Redis',
    variable: 'REDIS_URL',
    scheme: /^rediss?:$/,
    example: 'redis://:password@host:6379',
    check: checkRedis,
  },
  {
    name: 'RabbitMQ',
    variable: 'RABBITMQ_URL',
    scheme: /^amqps?:$/,
    example: 'amqp://user:password@host:5672',
    check: checkRabbitmq,
  },
] as const
type ServerKind = (typeof SERVERS)[number]

const LIMIT_MS = 600_000
const PAUSE_MS = 1_000

export interface Checking {
  signal: AbortSignal
  /** Called with the server that it waits for, and why. */
  progress: (line: string) => void
  /** Called for what does not prevent the start. */
  warn: (sentence: string) => void
}

export const isAnyServerNamed = (env: NodeJS.ProcessEnv) => SERVERS.some(({ variable }) => env[variable])

/**
 * Checks the servers that the user named by URL, before anything starts on them. Waits for a server that is slow.
 * @returns their versions, in words. @throws one sentence for each server that cannot be used.
 */
export async function checkNamedServers(env: NodeJS.ProcessEnv, checking: Checking): Promise<string> {
  const named = SERVERS.filter(({ variable }) => env[variable])
  const results = await Promise.allSettled(named.map((kind) => checkOne(kind, env[kind.variable] ?? '', checking)))
  const faults = results.flatMap((result) => (result.status === 'rejected' ? [(result.reason as Error).message] : []))
  if (faults.length > 0) throw new Error(faults.join('\n'))
  return results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : [])).join(', ')
}

async function checkOne(kind: ServerKind, value: string, checking: Checking): Promise<string> {
  const { name, variable, scheme, example } = kind
  if (!URL.canParse(value) || !scheme.test(new URL(value).protocol)) {
    throw new Error(
      `${variable} is not a URL of ${name}; expected ${example}, with other characters than letters and ` +
        'digits percent-encoded.',
    )
  }
  const server: NamedServer = { name, variable, url: new URL(value) }
  try {
    const { version, warnings } = await checkUntilAnswered(kind, server, checking)
    for (const warning of warnings) checking.warn(`${variable}: ${warning}`)
    return `${name} ${version} (${variable})`
  } catch (error) {
    throw error instanceof Fault ? new Error(`${variable}: ${error.message}`, { cause: error }) : error
  }
}

/** Retries while the server is silent, or says that it is starting. */
async function checkUntilAnswered(
  { check }: ServerKind,
  server: NamedServer,
  { signal, progress }: Checking,
): Promise<ServerReport> {
  for (const startedAt = Date.now(); ; ) {
    try {
      return await check(server)
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
