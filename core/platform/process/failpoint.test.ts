import { execFile } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { FAILPOINTS } from './failpoint.ts'

interface End {
  signal: string | undefined
  output: string
}

/** A process that comes by `relay.beforeCommit` three times, says so, and ends well. */
const PROGRAM = `
  const { failpoint, failpointOnceSent } = await import(${JSON.stringify(new URL('failpoint.ts', import.meta.url).href)})
  const { writeSync } = await import('node:fs')
  for (let i = 1; i <= 3; i++) { failpoint('relay.beforeCommit'); failpoint('relay.beforePublish'); writeSync(1, 'passed ' + i + ';') }
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

test('nobody dies of a failpoint that FAILPOINT does not name', async () => {
  expect(await run({})).toEqual(ALIVE)
  expect(await run({ FAILPOINT: '' })).toEqual(ALIVE)
  expect(await run({ FAILPOINT: 'purchase.beforePublish' })).toEqual(ALIVE)
})

test('nobody dies of a failpoint in production', async () => {
  expect(await run({ FAILPOINT: 'relay.beforeCommit', NODE_ENV: 'production' })).toEqual(ALIVE)
  expect(await run({ FAILPOINT: 'consumer.afterAck', NODE_ENV: 'production' })).toEqual(ALIVE)
})

test('the process that FAILPOINT names the place for is killed there, or when it has come by so often', async () => {
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

test('where something is to be sent first, the process lives until it is written, and not until it is answered', async () => {
  expect(await run({ FAILPOINT: 'consumer.afterAck' })).toEqual({
    signal: 'SIGKILL',
    output: 'passed 1;passed 2;passed 3;sent;dies at failpoint consumer.afterAck\n',
  })
})

test('a place that does not exist is refused at the start, with those that do', async () => {
  for (const FAILPOINT of ['relay.beforeComit', 'relay.beforeCommit:0', 'relay.beforeCommit:x']) {
    expect((await run({ FAILPOINT })).output).toMatch(/FAILPOINT: expected .*relay\.beforeCommit.*got /)
  }
})

test('every failpoint stands in the product, once, and in the table of a test that hits it', () => {
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
  const tests = sources(['test/faults'], (file) => file.endsWith('-dies.test.ts'))
  const places = [...product.matchAll(/failpoint(?:OnceSent)?\('([\w.]+)'\)/gi)].map(([, name]) => String(name))
  expect(places.sort()).toEqual([...FAILPOINTS].sort())
  expect(FAILPOINTS.filter((name) => !tests.includes(`'${name}'`))).toEqual([])
})
