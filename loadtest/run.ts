import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import process from 'node:process'

/** Pinned: k6's own summary and exit codes are part of what the scripts rely on. */
const K6_VERSION = '1.8.1'
/** What CI reads as "not to be had here". */
const EX_UNAVAILABLE = 69
const BIN = resolve('.data/bin')
const RESULTS = 'loadtest/results'

const [scenario = 'smoke', ...rest] = process.argv.slice(2)
const script = `loadtest/${scenario}.ts`
if (!existsSync(script)) stop(`There is no scenario "${scenario}": expected the name of a k6 script in loadtest/, such as smoke.`)
const system = process.env.GATEWAY_URL ? process.env : { ...process.env, ...runningSystem() }
mkdirSync(RESULTS, { recursive: true })
const [command = '', ...before] = findK6() ?? installK6() ?? dockerK6() ?? stop(
  `k6 is not here: put it on your PATH (https://grafana.com/docs/k6), or install Go 1.26 or newer, or start Docker, and run this again.`,
  EX_UNAVAILABLE)
const result = spawnSync(command, [...before, 'run', '--summary-export', `${RESULTS}/${scenario}.json`, ...rest, script], { stdio: 'inherit', env: system })
process.exitCode = result.status ?? 1

function findK6(): string[] | undefined {
  const cached = join(BIN, 'k6')
  return [['k6'], [cached]].find(([file]) => answers(file ?? '', 'version'))
}

/** Takes a minute or two, once. */
function installK6(): string[] | undefined {
  if (!answers('go', 'version')) return undefined
  console.log(`Installing k6 ${K6_VERSION} with Go into .data/bin, once; this takes a minute or two …`)
  mkdirSync(BIN, { recursive: true })
  const install = spawnSync('go', ['install', `go.k6.io/k6@v${K6_VERSION}`], { stdio: 'inherit', env: { ...process.env, GOBIN: BIN } })
  return install.status === 0 ? [join(BIN, 'k6')] : undefined
}

function dockerK6(): string[] | undefined {
  if (!answers('docker', 'info')) return undefined
  const env = ['GATEWAY_URL', 'CONTROL_ROOM_URL', 'ADMIN_TOKEN'].flatMap((name) => ['--env', name])
  return ['docker', 'run', '--rm', '--network', 'host', '--user', `${process.getuid?.() ?? 0}`, ...env, '--volume', `${resolve('.')}:/seckill`, '--workdir', '/seckill', `grafana/k6:${K6_VERSION}`]
}

function answers(command: string, argument: string): boolean {
  return spawnSync(command, [argument], { stdio: 'ignore' }).status === 0
}

/** The addresses of the running `npm start`. */
function runningSystem(): Record<string, string> {
  try {
    const lines = execFileSync('npm', ['run', '-s', 'urls'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim().split('\n')
    return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]))
  } catch {
    return stop('Nothing runs here to be loaded: npm start first, or name GATEWAY_URL, CONTROL_ROOM_URL and ADMIN_TOKEN in the environment.')
  }
}

function stop(sentence: string, exitCode = 2): never {
  console.error(sentence)
  process.exit(exitCode)
}
