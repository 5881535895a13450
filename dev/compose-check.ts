/**
 * Usage: npm run compose-check
 * Holds docker-compose.yml against the Compose schema (dclint), and against the services: a forgotten variable, a
 * misspelt one or a port open to the world would show only where the containers run.
 */
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import { parse } from 'yaml'
import { z } from 'zod'
import { DATABASE_CONNECTIONS as cancelWorker } from '../cancel-worker/config.ts'
import { DATABASE_CONNECTIONS as controlRoom } from '../control-room/config.ts'
import { commandLine } from '../core/platform/process/command-line.ts'
import { BadConfiguration, parseConfig } from '../core/platform/process/config.ts'
import { DATABASE_CONNECTIONS as orderService } from '../order-service/config.ts'
import { connectionsFor, SubscribersConfig } from '../subscribers/runtime/config.ts'
import { schemas } from './schemas.ts'
import { DEMO } from './settings.ts'

commandLine()
const dclint = await execa('dclint', ['docker-compose.yml', '--max-warnings', '0'], {
  preferLocal: true,
  reject: false,
  stdio: 'inherit',
})
if (dclint.failed) process.exit(1)

const CHECKOUT = join(import.meta.dirname, '..')
const read = (file: string) => readFileSync(join(CHECKOUT, file), 'utf8')

/** What may be reached from the host, and that from this machine only. */
const PUBLISHED = ['gateway', 'control-room', 'payment-provider', 'prometheus', 'grafana', 'jaeger']
const PROFILES = ['sale', 'demo']
/** A service drains for 20 s (core/platform/process/service.ts). */
const STOP_GRACE_SECONDS_MIN = 25
/** A health check runs all day; a first start on a slow machine takes minutes, and is no failure. */
const HEALTH_SECONDS_MIN = { interval: 30, start_period: 120 }
/** Starting node takes 150 ms of CPU, rabbitmq-diagnostics 700, and may create the cookie before the server does. */
const COSTLY_CHECK = /\bnode\b|rabbitmq-diagnostics/
/** PostgreSQL keeps three connections for superusers; the others are for migrations, audits, backups, the exporter. */
const OTHER_CONNECTIONS = 13
/** Replicas of every service that there must be room for. */
const SETS_MIN = 3

const Service = z.object({
  profiles: z.array(z.string()),
  command: z.array(z.string()).default([]),
  build: z.object({ target: z.string() }).optional(),
  environment: z.record(z.string(), z.string().nullable()).default({}),
  ports: z.array(z.string().startsWith('127.0.0.1:')).default([]),
  healthcheck: z.object({ test: z.array(z.string()), interval: z.string(), start_period: z.string() }).optional(),
  stop_grace_period: z.string().regex(/^\d+s$/),
})
type Service = z.output<typeof Service>
type ServiceName = keyof typeof schemas

const parsed = z
  .object({ services: z.record(z.string(), Service) })
  .safeParse(parse(read('docker-compose.yml'), { merge: true }))
if (!parsed.success) {
  console.error(`docker-compose.yml: ${z.prettifyError(parsed.error)}`)
  process.exit(1)
}
const { services } = parsed.data
const problems: string[] = []
const hold = (isSo: boolean, problem: string) => {
  if (!isSo) problems.push(problem)
}

for (const [as, { build, ports, healthcheck }] of Object.entries(services)) {
  hold(
    ports.length === 0 || PUBLISHED.includes(build?.target ?? as),
    `${as}: publishes a port; only ${PUBLISHED.join(', ')} may`,
  )
  if (healthcheck) checkHealthCheck(as, healthcheck)
}
for (const name of Object.keys(schemas) as ServiceName[]) {
  const builds = Object.entries(services).filter(([, { build }]) => build?.target === name)
  for (const profile of PROFILES) {
    const count = builds.filter(([, { profiles }]) => profiles.includes(profile)).length
    hold(count === 1, `the profile ${profile} has ${count} services that build ${name}; expected one`)
  }
  for (const [as, service] of builds) checkService(as, name, service)
}
checkVariables()
checkConnections()

for (const problem of problems) console.error(`docker-compose.yml: ${problem}`)
if (problems.length > 0) process.exitCode = 1

/** `as` is its name in docker-compose.yml: the profile demo has variants of some services. */
function checkService(as: string, name: ServiceName, service: Service): void {
  const given = Object.keys(service.environment)
  const known = Object.keys(schemas[name].shape)
  const missing = known.filter((variable) => !given.includes(variable))
  hold(missing.length === 0, `${as}: lacks ${missing.join(', ')}; without a value (\`NAME:\`) it comes from .env`)
  const unknown = given.filter((variable) => !known.includes(variable))
  hold(unknown.length === 0, `${as}: does not read ${unknown.join(', ')}`)
  hold(service.healthcheck !== undefined, `${as}: has no health check`)
  hold(
    Number.parseInt(service.stop_grace_period) >= STOP_GRACE_SECONDS_MIN,
    `${as}: may drain for 20 s; expected a stop_grace_period of ${STOP_GRACE_SECONDS_MIN}s or more`,
  )
  const settings = settingsOf(as, name, service)
  // "auto" would count the host's cores, and the container may use one.
  const wanted = name === 'gateway' ? { GATEWAY_PROCESSES: 1 } : {}
  if (service.profiles.includes('demo')) Object.assign(wanted, demoSettings(name))
  for (const [variable, value] of Object.entries(wanted))
    hold(settings[variable] === value, `${as}: ${variable} is ${String(settings[variable])}; expected ${String(value)}`)
}

function checkHealthCheck(as: string, { test, ...times }: NonNullable<Service['healthcheck']>): void {
  hold(!COSTLY_CHECK.test(test.join(' ')), `${as}: its health check is costly; docker/ready.sh takes 5 ms of CPU`)
  for (const [time, least] of Object.entries(HEALTH_SECONDS_MIN))
    hold(
      Number.parseInt(times[time as keyof typeof times]) >= least,
      `${as}: its health check has ${time} ${times[time as keyof typeof times]}; expected ${least}s or more`,
    )
}

/** The profile demo gives what `npm start` gives, except that a container must listen on every interface. */
function demoSettings(name: ServiceName): Record<string, unknown> {
  const fields: Record<string, z.ZodType> = schemas[name].shape
  const { HOST: _, ...demo } = DEMO
  return Object.fromEntries(
    Object.entries(demo).flatMap(([variable, value]) =>
      fields[variable] ? [[variable, fields[variable].parse(value)]] : [],
    ),
  )
}

/** Every setting as the service would read it; none when it would not start. */
function settingsOf(as: string, name: ServiceName, { environment }: Service): Record<string, unknown> {
  try {
    return parseConfig<z.ZodObject>(schemas[name], filledIn(environment))
  } catch (error) {
    if (!(error instanceof BadConfiguration)) throw error
    problems.push(
      `${as}: would not start with secrets and ALLOW_DEMO_PAYMENTS=true in .env and nothing else. ${error.message}`,
    )
    return {}
  }
}

/** As Compose would make it from a .env with the required secrets, and the demo's payment provider allowed. */
function filledIn(environment: Service['environment']): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).map(([variable, value]) => [
      variable,
      withDefaults((value ?? '').replaceAll(/\$\{ALLOW_DEMO_PAYMENTS\b[^}]*\}/g, 'true')).replaceAll(
        /\$\{\w+(:\?[^}]*)?\}/g,
        () => randomBytes(32).toString('hex'),
      ),
    ]),
  )
}

/** `${A:-${B:-3000}}` is 3000: from the inside out. */
function withDefaults(value: string): string {
  const simpler = value.replaceAll(/\$\{\w+:-([^${}]*)\}/g, '$1')
  return simpler === value ? value : withDefaults(simpler)
}

/** .env.example lists what .env may hold; what docker-compose.yml takes from there has to be in it. */
function checkVariables(): void {
  const example = read('.env.example')
  for (const [, variable] of read('docker-compose.yml').matchAll(/\$\{(\w+)/g))
    hold(new RegExp(`^(# )?${variable}=`, 'm').test(example), `takes ${variable} from .env, which .env.example lacks`)
}

/** `SETS_MIN` processes of each service must find a connection; the figures in words must be those of the code. */
function checkConnections(): void {
  const subscribers = readdirSync(join(CHECKOUT, 'subscribers')).filter((file) => /^(?!main\.)[\w-]+\.ts$/.test(file))
  const partitions = SubscribersConfig.shape.SUBSCRIBER_PARTITIONS.parse(undefined)
  const perSet = orderService + cancelWorker + controlRoom + 1 + subscribers.length * connectionsFor(partitions)
  const limit = Number(services.postgres?.command.join(' ').match(/max_connections=(\d+)/)?.[1] ?? 100)
  const needed = SETS_MIN * perSet + OTHER_CONNECTIONS
  hold(limit >= needed, `postgres: takes ${limit} connections; ${SETS_MIN} of each service and others need ${needed}`)
  for (const file of ['docker-compose.yml', 'docs/running.md', 'docs/zh/running.md'])
    hold(
      new RegExp(`\\b${perSet}\\b`).test(read(file)),
      `${file} does not say that one of each service takes up to ${perSet} connections to PostgreSQL`,
    )
}
