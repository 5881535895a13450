import { setTimeout as sleep } from 'node:timers/promises'
import { addressOf, Fault, type Given, type Look } from './fault.ts'
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

export const isAnyGiven = (env: NodeJS.ProcessEnv) => SERVERS.some(({ variable }) => env[variable])

/**
 * Looks at the servers that are not ours before anything is started on them; one that is slow is waited for.
 * @returns their versions, for people. @throws one sentence for each that cannot be used.
 */
export async function checkGivenServers(env: NodeJS.ProcessEnv, checking: Checking): Promise<string> {
  const given = SERVERS.filter(({ variable }) => env[variable])
  const looks = await Promise.allSettled(given.map((server) => check(server, env[server.variable] ?? '', checking)))
  const faults = looks.flatMap((look) => (look.status === 'rejected' ? [(look.reason as Error).message] : []))
  if (faults.length > 0) throw new Error(faults.join('\n'))
  return looks.flatMap((look) => (look.status === 'fulfilled' ? [look.value] : [])).join(', ')
}

async function check(server: Server, value: string, checking: Checking): Promise<string> {
  const { name, variable, scheme, example } = server
  if (!URL.canParse(value) || !scheme.test(new URL(value).protocol)) {
    throw new Error(
      `${variable} is not a URL of ${name}; expected ${example}, with other characters than letters and ` +
        'digits percent-encoded.',
    )
  }
  const given: Given = { name, variable, url: new URL(value) }
  try {
    const { version, warnings } = await lookPatiently(server, given, checking)
    for (const warning of warnings) checking.warn(`${variable}: ${warning}`)
    return `${name} ${version} (${variable})`
  } catch (error) {
    throw error instanceof Fault ? new Error(`${variable}: ${error.message}`, { cause: error }) : error
  }
}

/** Silence, or a server that says that it is starting, passes. */
async function lookPatiently({ look }: Server, given: Given, { signal, progress }: Checking): Promise<Look> {
  for (const startedAt = Date.now(); ; ) {
    try {
      return await look(given)
    } catch (error) {
      if (error instanceof Fault || signal.aborted) throw error
      const reason = (error as Error).message.trim().split('\n').at(-1)
      const seconds = Math.round((Date.now() - startedAt) / 1_000)
      if (seconds * 1_000 > LIMIT_MS) {
        throw new Fault(`${given.name} at ${addressOf(given)} could not be used for ${seconds} s: ${reason}.`)
      }
      progress(`${given.variable}: waiting for ${given.name} at ${addressOf(given)}, ${seconds} s so far: ${reason}`)
      await sleep(PAUSE_MS, undefined, { signal }).catch(() => {})
    }
  }
}
