import { accessSync, constants, readdirSync, realpathSync, statSync } from 'node:fs'
import { delimiter, dirname, join, resolve } from 'node:path'
import { aptGetInstall, isDebian } from './apt.ts'

interface Program {
  /** What it is called, the first one preferred. */
  names: string[]
  /** The variable that names another one: a program, or the folder that holds it. */
  variable?: string
  debian: string
  brew: string
}

/** What is not in an npm package. */
const PROGRAMS = {
  redis: {
    names: ['redis-server', 'valkey-server'],
    variable: 'REDIS_SERVER',
    debian: 'redis-server',
    brew: 'redis',
  },
  rabbitmq: { names: ['rabbitmq-server'], variable: 'RABBITMQ_SERVER', debian: 'rabbitmq-server', brew: 'rabbitmq' },
  /** The port mapper that Erlang nodes meet at; it comes with Erlang. */
  epmd: { names: ['epmd'], debian: 'rabbitmq-server', brew: 'rabbitmq' },
  chromium: {
    // The shell first: it has no windows of its own, and a page costs it a quarter of Chromium's CPU time.
    names: [
      'chromium-headless-shell',
      'chromium',
      'chromium-browser',
      'google-chrome',
      'google-chrome-stable',
      'Google Chrome',
    ],
    debian: 'chromium-headless-shell',
    brew: 'chromium',
  },
  prometheus: { names: ['prometheus'], debian: 'prometheus', brew: 'prometheus' },
  /** It checks and tests rules. */
  promtool: { names: ['promtool'], debian: 'prometheus', brew: 'prometheus' },
} satisfies Record<string, Program>
export type ProgramName = keyof typeof PROGRAMS

/** Searched after the PATH, which often lacks the folders of servers: Debian's, and those of both kinds of Mac. */
const MORE_FOLDERS = [
  '/usr/bin',
  '/usr/sbin',
  '/usr/local/bin',
  '/usr/local/sbin',
  '/opt/homebrew/bin',
  '/opt/homebrew/sbin',
  '/Applications/Google Chrome.app/Contents/MacOS',
]

/** The program's path. @throws one sentence when there is none. */
export function pathOf(name: ProgramName): string {
  const path = find(PROGRAMS[name])
  if (!path) throw new Error(missingSentence([PROGRAMS[name]]))
  return name === 'rabbitmq' ? behindDebiansWrapper(path) : path
}

/**
 * Read from the plugins beside the script, because `rabbitmqctl version` takes seconds. Undefined where they are not.
 */
export function rabbitmqVersion(script: string): string | undefined {
  const plugins = join(dirname(realpathSync(script)), '../plugins')
  return filesIn(plugins)
    .map((name) => /^rabbit-(\d+\.\d+\.\d+)/.exec(name)?.[1])
    .find(Boolean)
}

/**
 * Makes sure that the programs are installed, which as root on Debian means installing them.
 * @throws one sentence with the command to run, or the variable to mend, when it cannot.
 */
export async function ensureBinaries(
  say: (line: string) => void,
  names: ProgramName[] = ['redis', 'rabbitmq'],
): Promise<void> {
  const missing = () => names.map((name): Program => PROGRAMS[name]).filter((program) => !find(program))
  const wanted = missing()
  if (wanted.length === 0) return
  if (process.getuid?.() !== 0 || !isDebian()) throw new Error(missingSentence(wanted))
  const packages = [...new Set(wanted.map(({ debian }) => debian))]
  say(`Installing ${packages.join(' and ')} with apt-get (no system service is started) …`)
  await aptGetInstall(packages, say)
  if (missing().length > 0) throw new Error(`${packages.join(' and ')} installed, but the programs were not found.`)
}

function missingSentence(programs: Program[]): string {
  const all = (what: (program: Program) => string | undefined) => programs.flatMap((each) => what(each) ?? [])
  const variables = all(({ variable }) => variable).join(' and ')
  return (
    `${all(({ names }) => names[0]).join(' and ')} not found on the PATH. Install with your system's packages ` +
    `(Debian: sudo apt-get install --no-install-recommends ${all(({ debian }) => debian).join(' ')}, ` +
    `macOS: brew install ${all(({ brew }) => brew).join(' ')})` +
    `${variables ? `, or name the programs in ${variables}` : ''}.`
  )
}

/** @throws one sentence when the variable names something else than such a program. */
function find(program: Program): string | undefined {
  const wanted = program.variable && process.env[program.variable]
  if (!wanted) return onThePath(program.names)
  const found = wanted.includes('/') ? atPath(wanted, program.names) : onThePath([wanted])
  if (!found) {
    throw new Error(
      `${program.variable} is "${wanted}"; expected a program (${program.names.join(' or ')}), or the ` +
        'folder that holds it.',
    )
  }
  return found
}

function onThePath(names: string[]): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean).concat(MORE_FOLDERS)
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable)
}

const atPath = (path: string, names: string[]) =>
  [path, ...names.map((name) => join(path, name))].map((each) => resolve(each)).find(isExecutable)

/**
 * Debian's `rabbitmq-server` on the PATH is a wrapper that changes to the user `rabbitmq`, whose folders are the
 * system's and not ours. The script it calls lives in a folder named after its version.
 */
function behindDebiansWrapper(path: string): string {
  const real = realpathSync(path)
  if (!real.endsWith('/bin/rabbitmq-script-wrapper')) return path
  const lib = join(dirname(real), '../lib')
  return (
    filesIn(lib)
      .map((version) => join(lib, version, 'sbin/rabbitmq-server'))
      .find(isExecutable) ?? path
  )
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
