import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import process from 'node:process'

/** Pinned: the scripts rely on k6's TypeScript, on its exit codes and on what it hands to handleSummary. */
const K6_VERSION = '1.8.1'
const BIN = resolve('.data/bin')
/** Variables that the scripts and k6 read; a container gets only those that are named. */
const FOR_K6 =
  /^(RATE|DURATION|STOCK|STEP|VUS|PEOPLE|SCRIPTS|FARM|ADMIN_TOKEN|METRICS_TOKEN|TOKEN_SECRET|PAYMENT_WINDOW_SECONDS|K6_.+|(GATEWAY|CONTROL_ROOM|ORDER_SERVICE|CANCEL_WORKER|PAYMENT_PROVIDER)_URL)$/

type Command = [file: string, ...args: string[]]

/**
 * The command that runs k6: the one on the PATH, or ours in .data/bin, which Go builds once, or a container.
 * @param env what it will be run with
 * @returns undefined when k6 is unavailable
 */
export function findK6(env: NodeJS.ProcessEnv): Command | undefined {
  return installedK6() ?? builtK6() ?? dockerK6(env)
}

function installedK6(): Command | undefined {
  const own = join(BIN, 'k6')
  const found = ['k6', own].find((file) => answers(file, 'version'))
  if (found) warnOfOtherVersion(found)
  return found ? [found] : undefined
}

/** Other patch releases work; other minor ones are untested. */
function warnOfOtherVersion(file: string): void {
  const found = /v(\d+\.\d+)\.\d+\S*/.exec(execFileSync(file, ['version'], { encoding: 'utf8' }))
  if (found && !K6_VERSION.startsWith(`${found[1]}.`)) {
    console.warn(
      `Warning: "${file}" is k6 ${found[0]}, and these scripts are written for ${K6_VERSION}. Should they fail in k6 itself, install that one.`,
    )
  }
}

/** Takes a minute or two, once. */
function builtK6(): Command | undefined {
  if (!answers('go', 'version')) return undefined
  console.log(`Installing k6 ${K6_VERSION} with Go into .data/bin, once; this takes a minute or two …`)
  mkdirSync(BIN, { recursive: true })
  const { status } = spawnSync('go', ['install', `go.k6.io/k6@v${K6_VERSION}`], {
    stdio: 'inherit',
    env: { ...process.env, GOBIN: BIN },
  })
  return status === 0 ? [join(BIN, 'k6')] : undefined
}

function dockerK6(env: NodeJS.ProcessEnv): Command | undefined {
  if (!answers('docker', 'info')) return undefined
  const handedOver = Object.keys(env)
    .filter((name) => FOR_K6.test(name))
    .flatMap((name) => ['--env', name])
  return [
    'docker',
    'run',
    '--rm',
    '--network',
    'host',
    '--user',
    `${process.getuid?.() ?? 0}`,
    ...handedOver,
    '--volume',
    `${resolve('.')}:/seckill`,
    '--workdir',
    '/seckill',
    `grafana/k6:${K6_VERSION}`,
  ]
}

function answers(command: string, argument: string): boolean {
  return spawnSync(command, [argument], { stdio: 'ignore' }).status === 0
}
