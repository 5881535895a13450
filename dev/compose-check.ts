/**
 * Usage: npm run compose-check
 * Holds docker-compose.yml against the Compose schema (dclint), and against the services: a forgotten variable, a
 * misspelt one or a port open to the world would show only where the containers run.
 */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import { parse } from 'yaml'
import { z } from 'zod'
import { commandLine } from '../core/platform/process/command-line.ts'
import { BadConfiguration, parseConfig } from '../core/platform/process/config.ts'
import { databaseConnections } from './database-connections.ts'
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
const PUBLISHED = ['gateway', 'control-room', 'payment-provider']
const PROFILES = ['sale', 'demo']
/** A service drains for 20 s (core/platform/process/service.ts). */
const STOP_GRACE_SECONDS_MIN = 25
/** Of PostgreSQL's connections: three it keeps for superusers, the others for migrations, audits and backups. */
const OTHER_CONNECTIONS = 13
/** Replicas of every service that there must be room for. */
const SETS_MIN = 3

const Service = z.object({
  image: z.string().optional(),
  profiles: z.array(z.string()).default([]),
  command: z.array(z.string()).default([]),
  build: z.object({ target: z.string() }).optional(),
  environment: z.record(z.string(), z.union([z.string(), z.null()])).default({}),
  ports: z.array(z.string()).default([]),
  healthcheck: z.object({ test: z.array(z.string()) }).optional(),
  stop_grace_period: z
    .string()
    .regex(/^\d+s$/)
    .optional(),
})
type Service = z.output<typeof Service>
type ServiceName = keyof typeof schemas

const { services } = z
  .object({ services: z.record(z.string(), Service) })
  .parse(parse(read('docker-compose.yml'), { merge: true }))
const problems: string[] = []
const hold = (isSo: boolean, problem: string) => {
  if (!isSo) problems.push(problem)
}

for (const name of Object.keys(schemas) as ServiceName[]) {
  const builds = Object.entries(services).filter(([, { build }]) => build?.target === name)
  for (const profile of PROFILES) {
    const count = builds.filter(([, { profiles }]) => profiles.includes(profile)).length
    hold(count === 1, `the profile ${profile} has ${count} services that build ${name}; expected one`)
  }
  for (const [as, service] of builds) checkOurs(as, name, service)
}
for (const [name, service] of Object.entries(services)) checkAny(name, service)
checkVariables()
checkContext()
checkConnections()

for (const problem of problems) console.error(`docker-compose.yml: ${problem}`)
if (problems.length > 0) process.exitCode = 1

/** `as` is its name in docker-compose.yml: the profile demo has variants of some services. */
function checkOurs(
  as: string,
  name: ServiceName,
  { environment, healthcheck, profiles, stop_grace_period: grace }: Service,
): void {
  const known = Object.keys(schemas[name].shape)
  for (const variable of known)
    hold(
      variable in environment,
      `${as}: ${variable} is not in its environment; without a value (\`${variable}:\`) it comes from .env`,
    )
  for (const variable of Object.keys(environment)) hold(known.includes(variable), `${as}: does not read ${variable}`)
  hold(healthcheck !== undefined, `${as}: has no health check`)
  hold(
    Number.parseInt(grace ?? '0', 10) >= STOP_GRACE_SECONDS_MIN,
    `${as}: may drain for 20 s; expected a stop_grace_period of ${STOP_GRACE_SECONDS_MIN}s or more, got ${grace}`,
  )
  const settings = settingsOf(as, name, environment)
  if (name === 'gateway')
    hold(
      settings.GATEWAY_PROCESSES === 1,
      `${as}: expected GATEWAY_PROCESSES 1, got ${String(settings.GATEWAY_PROCESSES)}: "auto" counts the host's cores, and the container may use one`,
    )
  if (profiles.includes('demo')) checkDemo(as, name, settings)
}

/** Every setting as the service would read it; none when it would not start. */
function settingsOf(
  as: string,
  name: ServiceName,
  environment: Record<string, string | null>,
): Record<string, unknown> {
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

/** The profile demo gives what `npm start` gives, except that a container must listen on every interface. */
function checkDemo(as: string, name: ServiceName, settings: Record<string, unknown>): void {
  const { HOST: _, ...demo } = DEMO
  for (const [variable, value] of Object.entries(demo)) {
    const field = schemas[name].shape[variable as keyof (typeof schemas)[ServiceName]['shape']] as z.ZodType | undefined
    if (field)
      hold(
        settings[variable] === field.parse(value),
        `${as}: ${variable} is ${String(settings[variable])}; npm start has ${value} (dev/settings.ts)`,
      )
  }
}

function checkAny(name: string, { image, build, healthcheck, ports, profiles }: Service): void {
  const costly = healthcheck?.test.find((word) => /\b(node|rabbitmq-diagnostics|rabbitmqctl)\b/.test(word))
  hold(
    costly === undefined,
    `${name}: its health check starts ${costly}, many times a minute; expected docker/ready.sh, which also leaves the Erlang cookie alone`,
  )
  hold(
    profiles.length > 0,
    `${name}: is in no profile, so it starts alone where none is chosen; expected ${PROFILES.join(' or ')}`,
  )
  hold(
    ports.length === 0 || PUBLISHED.includes(build?.target ?? ''),
    `${name}: publishes a port; only ${PUBLISHED.join(', ')} may`,
  )
  for (const port of ports)
    hold(port.startsWith('127.0.0.1:'), `${name}: publishes ${port}; expected 127.0.0.1:${port}`)
  if (build)
    hold(read('Dockerfile').includes(` AS ${build.target}\n`), `${name}: the Dockerfile has no target ${build.target}`)
  else hold(/:\d+\.\d+/.test(image ?? ''), `${name}: expected an image pinned to a version, got ${image}`)
}

/**
 * The environment as Compose would make it from a .env with the required secrets, and the demo's payment provider
 * allowed.
 */
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
  const taken = new Set([...read('docker-compose.yml').matchAll(/\$\{(\w+)/g)].map(([, variable]) => variable))
  for (const variable of taken)
    hold(
      new RegExp(`^(# )?${variable}=`, 'm').test(example),
      `takes ${variable} from .env, but .env.example has no such line`,
    )
}

/** What the Dockerfile copies from the checkout must be let in, or the image cannot be built. */
function checkContext(): void {
  const letIn = new Set([...read('.dockerignore').matchAll(/^!(.+)$/gm)].map(([, path]) => path))
  const copies = [...read('Dockerfile').matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, sources = '']) =>
    sources.split(' '),
  )
  for (const source of copies)
    hold(
      letIn.has(source) || letIn.has(source.split('/')[0]),
      `the Dockerfile copies ${source}, which .dockerignore keeps out`,
    )
}

/**
 * One process of each service and two replicas must find a connection; the figures in words must be those of the code.
 */
function checkConnections(): void {
  const perSet = Object.values(databaseConnections).reduce((one, other) => one + other, 0)
  const limit = services.postgres?.command.join(' ').match(/max_connections=(\d+)/)?.[1] ?? 100
  const needed = SETS_MIN * perSet + OTHER_CONNECTIONS
  hold(
    Number(limit) >= needed,
    `postgres: takes ${limit} connections; ${SETS_MIN} of each service and ${OTHER_CONNECTIONS} others need ${needed}`,
  )
  for (const file of ['docker-compose.yml', 'docs/running.md', 'docs/zh/running.md']) {
    hold(
      new RegExp(`\\b${perSet}\\b`).test(read(file)),
      `${file} does not say that one of each service takes up to ${perSet} connections to PostgreSQL`,
    )
  }
}
