// Second half of dev/run.mjs, for versions of node that we run on. It must do without dependencies, since it installs
// them.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { asksForHelp, usageOf } from '../core/platform/process/usage.mjs'

const CHECKOUT = resolve(import.meta.dirname, '..')
const LOCK = join(CHECKOUT, '.data/install.lock')
const SCHEMA = join(CHECKOUT, 'prisma/schema.prisma')
const CLIENT_MARK = join(CHECKOUT, 'prisma/generated/.made-from')
const LOCK_POLL_MS = 300

const target = process.argv[2]
if (!target) fail('Usage: node dev/run.mjs <file.ts> [arguments]')
if (asksForHelp(process.argv.slice(3))) {
  console.log(usageOf(resolve(CHECKOUT, target)))
  process.exit(0)
}
if (isInstallationStale() || isClientStale()) await withLock(prepare)

// In this same process, so that signals of a terminal, npm or a supervisor reach the program itself.
process.argv.splice(1, 2, resolve(CHECKOUT, target))
process.chdir(CHECKOUT)
await import('tsx')
await import(pathToFileURL(process.argv[1]).href)

async function prepare() {
  if (isInstallationStale()) {
    console.error('Installing the dependencies of package-lock.json (npm ci), once; some minutes on a slow line …')
    // Also where NODE_ENV=production would leave the development tools out: this is one.
    await run('npm', ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'])
  }
  if (isClientStale()) {
    console.error('Generating the database client from prisma/schema.prisma …')
    await run(process.execPath, [join(CHECKOUT, 'node_modules/prisma/build/index.js'), 'generate', '--no-hints'])
    writeFileSync(CLIENT_MARK, clientSource())
  }
}

/** npm keeps what it has installed in a lock file of its own, written last: half an installation has none. */
function isInstallationStale() {
  const wanted = packagesOf(join(CHECKOUT, 'package-lock.json'))
  const installed = packagesOf(join(CHECKOUT, 'node_modules/.package-lock.json'))
  return Object.entries(wanted).some(
    ([path, { version, optional, peer }]) =>
      path !== '' && (installed[path] ? installed[path].version !== version : !optional && !peer),
  )
}

function packagesOf(lockFile) {
  return existsSync(lockFile) ? JSON.parse(readFileSync(lockFile, 'utf8')).packages : {}
}

function isClientStale() {
  return existsSync(SCHEMA) && !(existsSync(CLIENT_MARK) && readFileSync(CLIENT_MARK, 'utf8') === clientSource())
}

/** What the generated client depends on: the schema, and Prisma itself. */
function clientSource() {
  const prisma = packagesOf(join(CHECKOUT, 'package-lock.json'))['node_modules/prisma'].version
  return createHash('sha256').update(prisma).update(readFileSync(SCHEMA)).digest('hex')
}

/** `npm start` and `npm test` in a fresh clone, at the same time: one installs, the other waits. */
async function withLock(work) {
  try {
    mkdirSync(join(LOCK, '..'), { recursive: true })
    for (let isFirstTry = true; !takeLock(isFirstTry); isFirstTry = false) await sleep(LOCK_POLL_MS)
  } catch (error) {
    if (!['EACCES', 'EPERM', 'EROFS', 'ENOSPC'].includes(error.code)) throw error
    fail(
      `${CHECKOUT} cannot be written (${error.message}). Make it writable for this user: dependencies and data go there.`,
    )
  }
  const unlock = () => rmSync(LOCK, { force: true })
  process.once('exit', unlock)
  await work()
  process.removeListener('exit', unlock)
  unlock()
}

function takeLock(isFirstTry) {
  try {
    writeFileSync(LOCK, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
  }
  const holder = existsSync(LOCK) ? Number(readFileSync(LOCK, 'utf8')) : 0
  if (holder && !existsProcess(holder))
    rmSync(LOCK, { force: true }) // It was killed.
  else if (isFirstTry) console.error('Waiting for another command, which is installing the dependencies …')
  return false
}

function existsProcess(pid) {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return error.code === 'EPERM' // It exists, under another user.
  }
}

/** What it prints goes to standard error: the output is the program's. Ends this process when it fails. */
function run(command, args) {
  // Prisma would download a native engine that generating never calls; any program's path keeps it from that.
  const forPrisma = {
    PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
    PRISMA_HIDE_UPDATE_MESSAGE: '1',
    CHECKPOINT_DISABLE: '1',
  }
  const child = spawn(command, args, {
    cwd: CHECKOUT,
    env: { ...forPrisma, ...process.env },
    stdio: ['ignore', process.stderr, process.stderr],
  })
  const pass = (signal) => child.kill(signal)
  process.on('SIGINT', pass).on('SIGTERM', pass)
  return new Promise((done) => {
    child.once('error', (error) => fail(`${command} could not be started: ${error.message}`))
    child.once('close', (code, signal) => {
      process.removeListener('SIGINT', pass).removeListener('SIGTERM', pass)
      if (code === 0) done()
      else fail(`${command} ${args.join(' ')} failed (${signal ?? `exit code ${code}`}).`)
    })
  })
}

function fail(sentence) {
  console.error(sentence)
  process.exit(1)
}
