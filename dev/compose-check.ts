/**
 * Holds docker-compose.yml against the services: what dclint, which knows only the Compose schema, cannot see. A forgotten
 * variable, a misspelt one or a port open to the world would show only where the containers run.
 */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import { BadConfiguration, parseConfig } from '../core/platform/config.ts'
import { schemas } from './schemas.ts'

const CHECKOUT = join(import.meta.dirname, '..')
const read = (file: string) => readFileSync(join(CHECKOUT, file), 'utf8')

/** What may be reached from the host, and that from this machine only. */
const PUBLISHED = ['gateway', 'control-room', 'payment-provider']
/** A service drains for 20 s (core/platform/service.ts). */
const STOP_GRACE_SECONDS_MIN = 25

const Service = z.object({
  image: z.string().optional(),
  build: z.object({ target: z.string() }).optional(),
  environment: z.record(z.string(), z.union([z.string(), z.null()])).default({}),
  ports: z.array(z.string()).default([]),
  healthcheck: z.object({ test: z.array(z.string()) }).optional(),
  stop_grace_period: z.string().regex(/^\d+s$/).optional(),
})
type Service = z.output<typeof Service>

const { services } = z.object({ services: z.record(z.string(), Service) }).parse(parse(read('docker-compose.yml'), { merge: true }))
const problems: string[] = []
const hold = (isSo: boolean, problem: string) => { if (!isSo) problems.push(problem) }

for (const name of Object.keys(schemas) as (keyof typeof schemas)[]) {
  const service = services[name]
  if (service) checkOurs(name, service)
  else problems.push(`${name}: is not in docker-compose.yml`)
}
for (const [name, service] of Object.entries(services)) checkAny(name, service)
checkVariables()
checkContext()

for (const problem of problems) console.error(`docker-compose.yml: ${problem}`)
if (problems.length > 0) process.exitCode = 1

function checkOurs(name: keyof typeof schemas, { environment, healthcheck, stop_grace_period: grace }: Service): void {
  const known = Object.keys(schemas[name].shape)
  for (const variable of known) hold(variable in environment, `${name}: ${variable} is not in its environment; without a value (\`${variable}:\`) it comes from .env`)
  for (const variable of Object.keys(environment)) hold(known.includes(variable), `${name}: does not read ${variable}`)
  hold(healthcheck !== undefined, `${name}: has no health check`)
  hold(Number.parseInt(grace ?? '0', 10) >= STOP_GRACE_SECONDS_MIN, `${name}: may drain for 20 s; expected a stop_grace_period of ${STOP_GRACE_SECONDS_MIN}s or more, got ${grace}`)
  try {
    parseConfig(schemas[name], filledIn(environment))
  } catch (error) {
    if (!(error instanceof BadConfiguration)) throw error
    problems.push(`${name}: would not start with secrets in .env and nothing else. ${error.message}`)
  }
}

function checkAny(name: string, { image, build, ports }: Service): void {
  hold(ports.length === 0 || PUBLISHED.includes(name), `${name}: publishes a port; only ${PUBLISHED.join(', ')} may`)
  for (const port of ports) hold(port.startsWith('127.0.0.1:'), `${name}: publishes ${port}; expected 127.0.0.1:${port}`)
  if (build) hold(read('Dockerfile').includes(` AS ${build.target}\n`), `${name}: the Dockerfile has no target ${build.target}`)
  else hold(/:\d+\.\d+/.test(image ?? ''), `${name}: expected an image pinned to a version, got ${image}`)
}

/** The environment as Compose would make it from a .env that holds the required secrets only. */
function filledIn(environment: Service['environment']): Record<string, string> {
  return Object.fromEntries(Object.entries(environment).map(([variable, value]) =>
    [variable, (value ?? '').replaceAll(/\$\{\w+:-([^}]*)\}/g, '$1').replaceAll(/\$\{\w+(:\?[^}]*)?\}/g, () => randomBytes(32).toString('hex'))]))
}

/** .env.example lists what .env may hold; what docker-compose.yml takes from there has to be in it. */
function checkVariables(): void {
  const example = read('.env.example')
  const taken = new Set([...read('docker-compose.yml').matchAll(/\$\{(\w+)/g)].map(([, variable]) => variable))
  for (const variable of taken) hold(new RegExp(`^(# )?${variable}=`, 'm').test(example), `takes ${variable} from .env, but .env.example has no such line`)
}

/** What the Dockerfile copies from the checkout must be let in, or the image cannot be built. */
function checkContext(): void {
  const letIn = new Set([...read('.dockerignore').matchAll(/^!(.+)$/gm)].map(([, path]) => path))
  const copies = [...read('Dockerfile').matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, sources = '']) => sources.split(' '))
  for (const source of copies) hold(letIn.has(source.split('/')[0]), `the Dockerfile copies ${source}, which .dockerignore keeps out`)
}
