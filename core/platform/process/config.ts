import { z } from 'zod'
import { httpBase, httpPage } from '../http/http-url.ts'
import { brokersFault } from '../rabbit/broker-list.ts'
import { databaseHosts, databaseUrlFault } from '../stores/database-url.ts'
import { readRedisUrl } from '../stores/redis-url.ts'
import { productionFaults } from './production-checks.ts'

/** BSD's EX_CONFIG, by which supervisors tell a wrong configuration from a crash. */
const EXIT_BAD_CONFIGURATION = 78

/** Longest delay of a Node timer, 2^31 - 1 ms; with a longer one it fires every 1 ms. */
const TIMER_MS_MAX = 2_147_483_647
/** Decimal notation; excludes what only Number() reads, such as "", "0x10" or "Infinity". */
const NUMBER = /^-?\d+(\.\d+)?(e\d{1,3})?$/

/**
 * The only parser of numeric settings. Both bounds are required: without an upper bound a setting could overflow a
 * timer, a column or a limit.
 */
export function bounded([least, most]: Bounds, { isWhole = true } = {}) {
  return z.string().transform((text, context) => {
    const number = NUMBER.test(text) ? Number(text) : Number.NaN
    if (number >= least && number <= most && (!isWhole || Number.isInteger(number))) return number
    context.addIssue({
      code: 'custom',
      message: `expected a ${isWhole ? 'whole ' : ''}number from ${least} to ${most}, got "${text}"`,
    })
    return z.NEVER
  })
}
type Bounds = readonly [least: number, most: number]

/** A whole number. */
export const count = (byDefault: number, bounds: Bounds) => bounded(bounds).default(byDefault)

/** A duration, fractions allowed. @throws when the upper bound exceeds the longest timer */
export function seconds(byDefault: number, bounds: Bounds) {
  if (bounds[1] * 1_000 > TIMER_MS_MAX)
    throw new Error(`A timer cannot wait ${bounds[1]} s: expected a maximum of ${TIMER_MS_MAX / 1_000} or less`)
  return bounded(bounds, { isWhole: false }).default(byDefault)
}

/** As `seconds`, in whole milliseconds. */
export function milliseconds(byDefault: number, bounds: Bounds) {
  if (bounds[1] > TIMER_MS_MAX)
    throw new Error(`A timer cannot wait ${bounds[1]} ms: expected a maximum of ${TIMER_MS_MAX} or less`)
  return bounded(bounds).default(byDefault)
}

const DAY_SECONDS = 86_400

const port = (byDefault: number) => bounded([0, 65_535]).default(byDefault)
const secret = (purpose: string) =>
  z.string().min(32, 'expected at least 32 characters').describe(`${purpose} (32 characters or more, random)`)

const databaseUrl = z.string().superRefine((url, context) => {
  const hosts = databaseHosts(url)
  const isUrl = hosts.every((host) => z.url({ protocol: /^postgres(ql)?$/ }).safeParse(host).success)
  const fault = isUrl ? databaseUrlFault(url) : 'Invalid URL'
  if (fault) context.addIssue(fault)
})

/** Settings that several services share; each service picks those that it reads. */
export const settings = {
  // An enum, because a misspelt "production" would switch the production checks off.
  NODE_ENV: z
    .enum(['development', 'test', 'production'])
    .default('development')
    .describe('production refuses default credentials and demo-only settings'),
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe('least severity that is logged'),
  HOST: z.string().min(1).default('127.0.0.1').describe('address to listen on; 0.0.0.0 for every interface'),
  METRICS_TOKEN: z
    .string()
    .min(32, 'expected at least 32 characters')
    .optional()
    .describe(
      'bearer token for /metrics of every service (32 characters or more, random); ' +
        'without one /metrics is open, in production closed',
    ),
  DATABASE_URL: databaseUrl.describe(
    'PostgreSQL, the source of truth; of a primary with standbys all hosts (user:password@a:5432,b:5432), of which the ' +
      'primary is used; behind a pooler the role must have the settings that docs/architecture.md lists',
  ),
  REDIS_URL: z
    .string()
    .superRefine((url, context) => {
      const read = readRedisUrl(url)
      if ('fault' in read) context.addIssue(read.fault)
    })
    .describe(
      'Redis 7.0 or newer, with appendfsync always and maxmemory-policy noeviction: a server, nodes of a cluster ' +
        '(redis://host:6379,host2:6379), or a group that sentinels watch ' +
        '(redis+sentinel://:password@host:26379,host2:26379/mymaster?sentinelPassword=password)',
    ),
  REDIS_KEY_PREFIX: z
    .string()
    .regex(/^[\w:-]*$/, 'expected letters, digits, _ : -')
    .default('seckill:')
    .describe('prefix of every Redis key'),
  RABBITMQ_URL: z
    .string()
    .superRefine((list, context) => {
      const fault = brokersFault(list)
      if (fault) context.addIssue(fault)
    })
    .describe('RabbitMQ; of a cluster all nodes (amqp://user:password@a:5672,b:5672)'),
  TOKEN_SECRET: secret("signs and verifies the buyers' tokens"),
  PAYMENT_SECRET: secret('signs the calls between shop and payment provider, both ways'),
  DEMO_MODE: z
    .stringbool()
    .default(false)
    .describe('true allows sign-in by name (POST /sessions) and simulated buyers from the control room'),
  ALLOW_DEMO_PAYMENTS: z
    .stringbool()
    .default(false)
    .describe('true allows payments that move no money, of the demo or with a test key, in production'),
  SHOP_PAGE_URL: httpPage()
    .optional()
    .describe("the shop's page, where a payment page leads back to; PUBLIC_URL when unset, required for stripe"),
  TRUST_PROXY_HOPS: count(0, [0, 10]).describe('number of reverse proxies in front whose X-Forwarded-For is trusted'),
  INTAKE_QUEUE_MAX_LENGTH: count(100_000, [1, 100_000_000]).describe(
    'reservations that may wait for the order service; more are refused as BUSY',
  ),
  RESERVATION_LIFETIME_SECONDS: seconds(120, [0.1, DAY_SECONDS]).describe(
    'a reservation older than this is dropped instead of ordered',
  ),
  CURRENCY: z
    .string()
    .refine((code) => Intl.supportedValuesOf('currency').includes(code), 'expected an ISO 4217 code such as EUR')
    .default('CNY')
    .describe(
      'ISO 4217 code of the currency of every amount, in its smallest unit; do not change it once there are sales: their amounts would keep the number and change the value',
    ),
  PAYMENT_WINDOW_SECONDS: seconds(1_800, [0.1, 2_000_000]).describe('how long an order may stay unpaid'),
  SAGA_SECONDS: seconds(30, [0.1, DAY_SECONDS]).describe(
    'how long the saga of an order with a coupon or points may take before it is cancelled, or its event is sent again',
  ),
  DELAY_TRANSPORT: z
    .enum(['auto', 'plugin', 'queue'])
    .default('auto')
    .describe(
      'what delays timeout messages: the x-delayed-message plugin, a queue with a TTL, or auto: the plugin if it exists',
    ),
  OTEL_EXPORTER_OTLP_ENDPOINT: httpBase()
    .optional()
    .describe('where traces are sent, by OTLP over HTTP (port 4318 of most stores); without one there are none'),
  TRACE_SAMPLE_RATE: bounded([0, 1], { isWhole: false })
    .default(0.01)
    .describe('share of the purchases whose trace is sent, from 0 to 1; failures and slow work are sent of all'),
  TRACE_SLOW_MS: milliseconds(1_000, [1, 3_600_000]).describe('work that takes this long is sent of every trace'),
  TRACE_STORE_URL: httpBase()
    .optional()
    .describe("Jaeger's query service (port 16686), from where the story of an order gets its spans"),
  port,
  secret,
}

/** Settings that every service reads. */
export const everyService = {
  NODE_ENV: settings.NODE_ENV,
  LOG_LEVEL: settings.LOG_LEVEL,
  HOST: settings.HOST,
  METRICS_TOKEN: settings.METRICS_TOKEN,
  OTEL_EXPORTER_OTLP_ENDPOINT: settings.OTEL_EXPORTER_OTLP_ENDPOINT,
  TRACE_SAMPLE_RATE: settings.TRACE_SAMPLE_RATE,
  TRACE_SLOW_MS: settings.TRACE_SLOW_MS,
}

/** Lists *every* bad variable, so that one failed start shows all that must be corrected. */
export class BadConfiguration extends Error {
  constructor(problems: string[]) {
    super(`The environment is not usable:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`)
  }
}

/**
 * @throws BadConfiguration naming every variable that is missing, malformed, or not allowed in production.
 */
export function parseConfig<Schema extends z.ZodObject>(schema: Schema, env: NodeJS.ProcessEnv): z.output<Schema> {
  const nonEmpty = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''))
  const parsed = schema.safeParse(nonEmpty)
  const problems = parsed.success
    ? []
    : parsed.error.issues.map((issue) => {
        const name = issue.path.join('.')
        return nonEmpty[name] === undefined
          ? `${name} is missing: ${describe(schema, name)}`
          : `${name}: ${issue.message}`
      })
  if (nonEmpty.NODE_ENV === 'production') problems.push(...productionFaults(Object.keys(schema.shape), nonEmpty))
  if (!parsed.success || problems.length > 0) throw new BadConfiguration(problems)
  return parsed.data
}

/** Of the environment of this process, what a process that it starts may see: only variables with such names. */
export const environmentFor = (names: RegExp): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => names.test(name)))

/** Parses the environment of this process; prints every fault and exits 78 when it is not usable. */
export function configOrExit<Schema extends z.ZodObject>(schema: Schema): z.output<Schema> {
  try {
    return parseConfig(schema, process.env)
  } catch (error) {
    return exitIfBadConfiguration(error)
  }
}

/** Prints the faults of a BadConfiguration and exits 78; rethrows every other error. */
export function exitIfBadConfiguration(error: unknown): never {
  if (!(error instanceof BadConfiguration)) throw error
  process.stderr.write(`${error.message}\n.env.example lists every variable.\n`)
  process.exit(EXIT_BAD_CONFIGURATION)
}

function describe(schema: z.ZodObject, name: string): string {
  const field: unknown = schema.shape[name]
  return (field instanceof z.ZodType ? field.description : undefined) ?? 'required'
}
