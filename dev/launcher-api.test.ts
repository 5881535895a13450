import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { PROCESS_ACTIONS, type ProcessView } from '../core/contracts/control-room.ts'
import { eventually } from '../test/support/eventually.ts'
import { expectRefused } from '../test/support/expect-refused.ts'
import { call } from '../test/support/http-client.ts'
import { endWithFile, noteProcess } from '../test/support/left-behind.ts'
import { startSystem, type System } from '../test/support/system.ts'
import { type LauncherApi, openLauncherApi } from './launcher-api.ts'
import { startChild } from './processes.ts'
import { makeScratchFolder, removeScratchFolder } from './scratch-folder.ts'
import { Supervisor } from './supervise.ts'

/** Processes that do nothing, under the names of the demo's, with the control room in front of their launcher. */
let folder: string
let system: System
let launcherApi: LauncherApi
const supervisors: Supervisor[] = []
/** What it takes until the next start of a process is ready. */
let gate: Promise<void> = Promise.resolve()

beforeAll(async () => {
  folder = await makeScratchFolder()
  for (const name of ['Redis', 'order-service', 'control-room']) await supervise(name)
  launcherApi = await openLauncherApi(supervisors)
  system = await startSystem({}, [])
  await system.start('control-room', launcherApi.env)
})
afterAll(async () => {
  await system.close()
  await launcherApi.close()
  await Promise.all(supervisors.map((supervisor) => supervisor.stop()))
  await removeScratchFolder(folder)
})

async function supervise(name: string): Promise<void> {
  const logFile = join(folder, `${name}.log`)
  const supervisor = new Supervisor({
    name,
    say: () => {},
    async start() {
      await gate
      const args = ['-e', 'setInterval(() => {}, 1000)']
      const child = startChild({ command: process.execPath, args, logFile, graceMs: 5_000 })
      void noteProcess(name, child)
      return child
    },
  })
  endWithFile(() => supervisor.stop())
  await supervisor.start()
  supervisors.push(supervisor)
}

const list = async () => (await system.controlRoom('GET', '/processes')).body.processes as ProcessView[]
const named = (name: string) => async () => (await list()).find((each) => each.name === name)
const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

test('every process is shown, with who it is and since when', async () => {
  expect(await list()).toEqual([
    expect.objectContaining({ name: 'redis', kind: 'server', state: 'RUNNING', protected: false, restarts: 0 }),
    expect.objectContaining({
      name: 'order-service',
      kind: 'service',
      state: 'RUNNING',
      protected: false,
      restarts: 0,
    }),
    expect.objectContaining({ name: 'control-room', kind: 'service', state: 'RUNNING', protected: true, restarts: 0 }),
  ])
  for (const { pid, startedAtMs } of await list()) {
    expect(isAlive(pid ?? 0)).toBe(true)
    expect(startedAtMs).toBeLessThanOrEqual(Date.now())
  }
})

test.each(['kill', 'restart'])('after "%s" a process is another one, and runs again', async (what) => {
  const before = await named('order-service')()
  expect(await system.controlRoom('POST', `/processes/order-service/${what}`)).toMatchObject({
    status: 202,
    body: { name: 'order-service', asked: what },
  })
  const after = await eventually(
    'the next one',
    named('order-service'),
    (now) => now?.state === 'RUNNING' && now.pid !== before?.pid,
  )
  expect(after?.restarts).toBe((before?.restarts ?? 0) + 1)
  expect(isAlive(before?.pid ?? 0)).toBe(false)
  // Asked for a server, too: its name in the list is not that of the supervisor.
  expect((await system.controlRoom('POST', `/processes/redis/${what}`)).status).toBe(202)
  await eventually(
    'the next server',
    named('redis'),
    (now) => now?.state === 'RUNNING' && now.restarts === after?.restarts,
  )
})

test('one that is paused stands still until it is resumed, killed or restarted', async () => {
  const before = await named('redis')()
  const ask = (what: string) => system.controlRoom('POST', `/processes/redis/${what}`)
  const isStopped = () => readFileSync(`/proc/${before?.pid}/stat`, 'utf8').split(') ')[1]?.startsWith('T')
  expectRefused(await ask('resume'), 'NOT_RUNNING')
  expect(await ask('pause')).toMatchObject({ status: 202, body: { name: 'redis', asked: 'pause' } })
  expect(await named('redis')()).toMatchObject({ state: 'PAUSED', pid: before?.pid })
  if (process.platform === 'linux') await eventually('it to stand still', isStopped, Boolean)
  expectRefused(await ask('pause'), 'NOT_RUNNING')
  expect((await ask('resume')).status).toBe(202)
  expect(await named('redis')()).toMatchObject({ state: 'RUNNING', pid: before?.pid })
  for (const what of ['kill', 'restart']) {
    const { pid } = (await named('redis')()) ?? {}
    await ask('pause')
    expect((await ask(what)).status).toBe(202)
    await eventually('the next one', named('redis'), (now) => now?.state === 'RUNNING' && now.pid !== pid)
  }
})

test('one that is just being started is shown so, and cannot be ended', async () => {
  let open = () => {}
  gate = new Promise((resolve) => {
    open = resolve
  })
  await system.controlRoom('POST', '/processes/redis/kill')
  await eventually('the start', named('redis'), (now) => now?.state === 'STARTING')
  expectRefused(await system.controlRoom('POST', '/processes/redis/kill'), 'NOT_RUNNING')
  open()
  await eventually('the end of the start', named('redis'), (now) => now?.state === 'RUNNING')
})

test('the control room does not end itself, and a process that was not started here cannot be ended', async () => {
  const before = await named('control-room')()
  for (const what of PROCESS_ACTIONS) {
    expectRefused(await system.controlRoom('POST', `/processes/control-room/${what}`), 'FORBIDDEN')
    expectRefused(await system.controlRoom('POST', `/processes/gateway/${what}`), 'NOT_FOUND')
    for (const name of ['No!', '%00', 'x'.repeat(40), '1'])
      expectRefused(
        await system.controlRoom('POST', `/processes/${encodeURIComponent(name)}/${what}`),
        'INVALID_REQUEST',
      )
    expectRefused(
      await system.controlRoom('POST', `/processes/redis/${what}`, { signal: 'SIGSTOP' }),
      'INVALID_REQUEST',
    )
  }
  expect(await named('control-room')()).toEqual(before)
})

test("the launcher's API accepts its own token only", async () => {
  const { LAUNCHER_URL, LAUNCHER_TOKEN } = launcherApi.env
  expectRefused(await call('GET', `${LAUNCHER_URL}/processes`), 'UNAUTHENTICATED')
  expectRefused(
    await call('POST', `${LAUNCHER_URL}/processes/redis/kill`, { token: system.env.ADMIN_TOKEN }),
    'FORBIDDEN',
  )
  expect((await call('GET', `${LAUNCHER_URL}/processes`, { token: LAUNCHER_TOKEN })).status).toBe(200)
})

test('a system that npm start did not start has no processes to show, and one whose launcher is gone says so', async () => {
  await system.stop('control-room')
  await system.start('control-room')
  for (const [method, path] of [
    ['GET', '/processes'],
    ['POST', '/processes/redis/kill'],
  ] as const)
    expectRefused(await system.controlRoom(method, path), 'DEMO_ONLY')
  await system.stop('control-room')
  await system.start('control-room', { ...launcherApi.env, LAUNCHER_URL: 'http://127.0.0.1:9' })
  expectRefused(await system.controlRoom('GET', '/processes'), 'UNAVAILABLE')
})
