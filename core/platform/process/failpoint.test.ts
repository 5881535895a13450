import { execFile } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { FAILPOINTS } from './failpoint.ts'

interface End {
  signal: string | undefined
  output: string
}

/** A process that reaches `relay.beforeCommit` three times, writes so, and exits with 0. */
const PROGRAM = `
  const url = ${JSON.stringify(new URL('failpoint.ts', import.meta.url).href)}
  const { failpoint, failpointOnceSent } = await import(url)
  const { writeSync } = await import('node:fs')
  for (let i = 1; i <= 3; i++) {
    failpoint('relay.beforeCommit')
    failpoint('relay.beforePublish')
    writeSync(1, 'passed ' + i + ';')
  }
  failpointOnceSent('consumer.afterAck')
  setImmediate(() => { writeSync(1, 'sent;'); setImmediate(() => writeSync(1, 'answered;')) })`

const run = (env: Record<string, string>) =>
  new Promise<End>((resolve) => {
    execFile(
      process.execPath,
      ['--import', 'tsx', '--input-type=module', '-e', PROGRAM],
      { env: { PATH: process.env.PATH, ...env } },
      (error, stdout, stderr) => resolve({ signal: error?.signal ?? undefined, output: stdout + stderr }),
    )
  })
const ALIVE: End = { signal: undefined, output: 'passed 1;passed 2;passed 3;sent;answered;' }

test('a process passes every failpoint that FAILPOINT does not name', async () => {
  expect(await run({})).toEqual(ALIVE)
  expect(await run({ FAILPOINT: '' })).toEqual(ALIVE)
  expect(await run({ FAILPOINT: 'purchase.beforePublish' })).toEqual(ALIVE)
})

test('a process passes every failpoint in production', async () => {
  expect(await run({ FAILPOINT: 'relay.beforeCommit', NODE_ENV: 'production' })).toEqual(ALIVE)
  expect(await run({ FAILPOINT: 'consumer.afterAck', NODE_ENV: 'production' })).toEqual(ALIVE)
})

test('a process is killed at the place that FAILPOINT names, when it reaches it for the given time', async () => {
  expect(await run({ FAILPOINT: 'relay.beforeCommit' })).toEqual({
    signal: 'SIGKILL',
    output: 'dies at failpoint relay.beforeCommit\n',
  })
  expect(await run({ FAILPOINT: 'relay.beforeCommit:3' })).toEqual({
    signal: 'SIGKILL',
    output: 'passed 1;passed 2;dies at failpoint relay.beforeCommit\n',
  })
  expect(await run({ FAILPOINT: 'relay.beforeCommit:4' })).toEqual(ALIVE)
})

test('failpointOnceSent kills the process after its writes were sent, before an answer is read', async () => {
  expect(await run({ FAILPOINT: 'consumer.afterAck' })).toEqual({
    signal: 'SIGKILL',
    output: 'passed 1;passed 2;passed 3;sent;dies at failpoint consumer.afterAck\n',
  })
})

test('an unknown failpoint is refused at the start, with the list of those that exist', async () => {
  for (const FAILPOINT of ['relay.beforeComit', 'relay.beforeCommit:0', 'relay.beforeCommit:x']) {
    expect((await run({ FAILPOINT })).output).toMatch(/FAILPOINT: expected .*relay\.beforeCommit.*got /)
  }
})

test('every failpoint occurs once in the product, and in a test that hits it', () => {
  const root = join(import.meta.dirname, '../../..')
  const sources = (folders: string[], wanted: (file: string) => boolean) =>
    folders
      .flatMap((folder) =>
        readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
          .filter(wanted)
          .map((file) => readFileSync(join(root, folder, file), 'utf8')),
      )
      .join('\n')
  const product = sources(
    ['core', 'gateway', 'order-service', 'cancel-worker', 'control-room', 'subscribers'],
    (file) => file.endsWith('.ts') && !file.endsWith('.test.ts'),
  )
  const tests = sources(['test/faults'], (file) => /-dies(?:\.long)?\.test\.ts$/.test(file))
  const places = [...product.matchAll(/failpoint(?:OnceSent)?\('([\w.]+)'\)/gi)].map(([, name]) => String(name))
  expect(places.sort()).toEqual([...FAILPOINTS].sort())
  expect(FAILPOINTS.filter((name) => !tests.includes(`'${name}'`))).toEqual([])
})
