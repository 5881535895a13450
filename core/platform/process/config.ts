import { z } from 'zod'
import { databaseUrlFault } from '../stores/database-url.ts'
import { notForProduction } from './production-checks.ts'

/** BSD's EX_CONFIG: supervisors tell "wrong configuration" from "crashed" by it. */
const EXIT_BAD_CONFIGURATION = 78

/** Longest wait of a timer of Node's, 2^31 - 1 ms; one that is asked for more fires after 1 ms, again and again. */
const TIMER_MS_MAX = 2_147_483_647
/** As people write numbers: nothing that only Number() reads, such as "", "0x10" or "Infinity". */
const NUMBER = /^-?\d+(\.\d+)?(e\d{1,3})?$/

/**
 * The one way to read a number. Both bounds have to be said: a setting without an upper one would overflow a timer, a
 * column or a limit one day.
 */
export function bounded([least, most]: Bounds, { isWhole = true } = {}) {
  return z.string().transform((given, context) => {
    const number = NUMBER.test(given) ? Number(given) : Number.NaN
    if (number >= least && number <= most && (!isWhole || Number.isInteger(number))) return number
    context.addIssue({
      code: 'custom',
      message: `expected a ${isWhole ? 'whole ' : ''}number from ${least} to ${most}, got "${given}"`,
    })
    return z.NEVER
  })
}
type Bounds = readonly [least: number, most: number]

/** A count of something. */
export const count = (byDefault: number, bounds: Bounds) => bounded(bounds).default(byDefault)

/** A duration, with or without a fraction. @throws where its bounds are more than a timer can wait */
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

// The check of the parameters needs a URL to begin with.
const databaseUrl = z.url({ protocol: /^postgres(ql)?$/, abort: true }).superRefine((url, context) => {
  const fault = databaseUrlFault(url)
  if (fault) context.addIssue(fault)
})

/** Settings that mean the same in every service that has them; each service picks its own. */
export const settings = {
  // A misspelt "production" would switch its refusals off.
  NODE_ENV: z
    .enum(['development', 'test', 'production'])
    .default('development')
    .describe('production refuses default credentials and what only a trial may have'),
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
      'opens /metrics of every service, as a bearer token (32 characters or more, random); without one it is open, in production closed',
    ),
  DATABASE_URL: databaseUrl.describe(
    'PostgreSQL, the truth; through a pooler the role must bring the settings of docs/architecture.md',
  ),
  REDIS_URL: z
    .url({ protocol: /^rediss?$/ })
    .describe('Redis 7.0 or newer, the fast door; its log synced always, its maxmemory-policy noeviction'),
  REDIS_KEY_PREFIX: z
    .string()
    .regex(/^[\w:-]*$/, 'expected letters, digits, _ : -')
    .default('seckill:')
    .describe('put before every Redis key'),
  RABBITMQ_URL: z.url({ protocol: /^amqps?$/ }).describe('RabbitMQ'),
  TOKEN_SECRET: secret("signs and verifies the buyers' tokens"),
  PAYMENT_SECRET: secret('signs the calls between shop and payment provider, both ways'),
  DEMO_MODE: z
    .stringbool()
    .default(false)
    .describe('true lets anybody sign in by name (POST /sessions), and the control room send simulated buyers'),
  ALLOW_DEMO_PAYMENTS: z
    .stringbool()
    .default(false)
    .describe("true lets production take payments by the demo's provider, whose button pays without money"),
  TRUST_PROXY_HOPS: count(0, [0, 10]).describe('reverse proxies in front whose X-Forwarded-For is believed'),
  INTAKE_QUEUE_MAX_LENGTH: count(100_000, [1, 100_000_000]).describe(
    'reservations that may wait for the order service; more are refused as BUSY',
  ),
  RESERVATION_LIFETIME_SECONDS: seconds(120, [0.1, DAY_SECONDS]).describe(
    'a reservation older than this is dropped instead of ordered',
  ),
  PAYMENT_WINDOW_SECONDS: seconds(1_800, [0.1, 2_000_000]).describe('how long an order may stay unpaid'),
  SAGA_SECONDS: seconds(30, [0.1, DAY_SECONDS]).describe(
    'how long the saga of an order that names a coupon or points may take before it is called off, or told again',
  ),
  DELAY_TRANSPORT: z
    .enum(['auto', 'plugin', 'queue'])
    .default('auto')
    .describe(
      'what holds timeout messages back: the x-delayed-message plugin, a queue with a TTL, or whichever the broker has',
    ),
  port,
  secret,
}

/** Every service answers /livez, /readyz and /metrics, logs, and binds somewhere. */
export const everyService = {
  NODE_ENV: settings.NODE_ENV,
  LOG_LEVEL: settings.LOG_LEVEL,
  HOST: settings.HOST,
  METRICS_TOKEN: settings.METRICS_TOKEN,
}

/** Thrown with *every* bad variable listed, so that one start shows all there is to mend. */
export class BadConfiguration extends Error {
  constructor(problems: string[]) {
    super(`The environment is not usable:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`)
  }
}

/**
 * @throws BadConfiguration naming every variable that is missing, malformed, or (in production) must not be what it is.
 */
export function parseConfig<Schema extends z.ZodObject>(schema: Schema, env: NodeJS.ProcessEnv): z.output<Schema> {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''))
  const parsed = schema.safeParse(given)
  const problems = parsed.success
    ? []
    : parsed.error.issues.map((issue) => {
        const name = issue.path.join('.')
        return given[name] === undefined ? `${name} is missing: ${describe(schema, name)}` : `${name}: ${issue.message}`
      })
  if (given.NODE_ENV === 'production') problems.push(...notForProduction(Object.keys(schema.shape), given))
  if (!parsed.success || problems.length > 0) throw new BadConfiguration(problems)
  return parsed.data
}

/** Like parseConfig on the process's environment, but prints what is wrong and exits 78 ("bad configuration"). */
export function configOrExit<Schema extends z.ZodObject>(schema: Schema): z.output<Schema> {
  try {
    return parseConfig(schema, process.env)
  } catch (error) {
    return exitIfBadConfiguration(error)
  }
}

/** Prints what is wrong with the configuration and exits 78. @throws every other error again. */
export function exitIfBadConfiguration(error: unknown): never {
  if (!(error instanceof BadConfiguration)) throw error
  process.stderr.write(`${error.message}\n.env.example lists every variable.\n`)
  process.exit(EXIT_BAD_CONFIGURATION)
}

function describe(schema: z.ZodObject, name: string): string {
  const field: unknown = schema.shape[name]
  return (field instanceof z.ZodType ? field.description : undefined) ?? 'required'
}
