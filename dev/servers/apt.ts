import { existsSync, readFileSync } from 'node:fs'
import { rename, rm, writeFile } from 'node:fs/promises'
import { execa } from 'execa'

const POLICY = '/usr/sbin/policy-rc.d'
const KEPT_POLICY = `${POLICY}.before-seckill`
/** Debian's "action forbidden by policy": invoke-rc.d then starts nothing, and the installation still succeeds. */
const FORBID_STARTING = '#!/bin/sh\nexit 101\n'
/** Another apt may hold the lock; unattended upgrades take minutes. */
const LOCK_WAIT_SECONDS = 300
const SAY_EVERY_MS = 2_000

export function isDebian(): boolean {
  return existsSync('/usr/bin/apt-get') && existsSync('/etc/debian_version')
}

/** Installs without starting the packages' own system services: we run private instances. */
export async function aptGetInstall(packages: string[], say: (line: string) => void): Promise<void> {
  await withoutServices(async () => {
    await aptGet(say, 'update')
    await aptGet(say, 'install', '-y', '--no-install-recommends', ...packages)
  })
}

/** Tells what apt does, at most every two seconds. */
async function aptGet(say: (line: string) => void, ...args: string[]): Promise<void> {
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  const running = execa('apt-get', ['-q', '-o', `DPkg::Lock::Timeout=${LOCK_WAIT_SECONDS}`, ...args], {
    env,
    all: true,
    reject: false,
  })
  let saidAt = Date.now()
  running.all.setEncoding('utf8').on('data', (text: string) => {
    const line = text.trimEnd().split('\n').at(-1)
    if (!line || Date.now() - saidAt < SAY_EVERY_MS) return
    saidAt = Date.now()
    say(`apt-get: ${line}`)
  })
  const { exitCode, all } = await running
  if (exitCode !== 0)
    throw new Error(
      `apt-get ${args.join(' ')} failed (${exitCode}). It said:\n${all.split('\n').slice(-12).join('\n')}`,
    )
}

async function withoutServices(work: () => Promise<void>): Promise<void> {
  // A start that was killed here may have left our policy behind; the original is then already put aside.
  if (existsSync(POLICY) && readFileSync(POLICY, 'utf8') !== FORBID_STARTING) await rename(POLICY, KEPT_POLICY)
  await writeFile(POLICY, FORBID_STARTING, { mode: 0o755 })
  try {
    await work()
  } finally {
    if (existsSync(KEPT_POLICY)) await rename(KEPT_POLICY, POLICY)
    else await rm(POLICY, { force: true })
  }
}
