import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { memoryWarning } from '../memory.ts'
import { makeScratchFolder, removeScratchFolder } from '../scratch-folder.ts'
import { checkDataFolder, makeDataFolder } from './data-folder.ts'
import { explain, lastWarning } from './explain.ts'

let folder: string
beforeAll(async () => {
  folder = await makeScratchFolder()
})
afterAll(async () => await removeScratchFolder(folder))

async function explained(log: string, why = 'exit code 1', before = '') {
  const logFile = join(folder, 'program.log')
  await writeFile(logFile, before + log)
  return explain({ name: 'It', why, logFile, logFrom: before.length })
}

test.each([
  [
    'FATAL:  could not write lock file "postmaster.pid": No space left on device',
    /The disk of .* is full; free at least 500 MB/,
  ],
  ['initdb: error: could not create directory "/x": Read-only file system', /read-only; mount it writable/],
  ['FATAL:  data directory "/x" has wrong ownership', /may not use a file .*\(wrong ownership\)/],
  ['FATAL:  could not map anonymous shared memory: Cannot allocate memory', /not enough memory/],
  [
    '[error] <0.230.0> Feature flags: `feature_flags_v2`: required feature flag not enabled! It must be enabled before upgrading RabbitMQ.',
    /RABBITMQ_SERVER .* npm run reset/,
  ],
  ["1:M 01 Jan 2026 00:00:00.000 # Can't handle RDB format version 12", /REDIS_SERVER .* npm run reset/],
  [
    '{"level":60,"err":{"type":"Error","message":"Port 3000 on 127.0.0.1 is taken; free it or choose another"},"msg":"ending"}',
    /taken by another program/,
  ],
])('a reason that stays is said in one sentence, and not tried again: %s', async (log, sentence) => {
  const { sentence: said, mayPass } = await explained(`one line\n${log}\nand a last one\n`)
  expect(said).toMatch(sentence)
  expect(mayPass).toBe(false)
})

test.each([
  [
    '{"level":50,"msg":"less grave"}\n{"level":60,"err":{"type":"Error","message":"no such column"},"msg":"ending because of an unexpected fault"}\n{"level":30,"msg":"draining"}',
    'ending because of an unexpected fault: no such column',
  ],
  [
    'node:internal/modules\n\nError: Cannot find module "x"\n    at load (file:1:1)\n\nNode.js v20.20.2',
    'Cannot find module "x"',
  ],
  ['LOG:  starting\nFATAL:  role "postgres" does not exist\nLOG:  shutting down', 'role "postgres" does not exist'],
  [
    '2026-11-28 12:21:51 [error] <0.223.0> \u001b[31mnode name in use\u001b[0m\n2026-11-28 12:21:51 [info] <0.2.0> bye',
    'node name in use',
  ],
])('the gravest line is told in plain words: %s', async (log, reason) => {
  expect(await explained(log, 'exit code 1', '{"level":60,"msg":"of an earlier start"}\n')).toEqual({
    sentence: `It ended (exit code 1): ${reason} Its log: ${join(folder, 'program.log')}`,
    mayPass: true,
  })
})

test('a bad environment is told as it was printed, and what was killed by the system says so', async () => {
  expect(await explained('The environment is not usable:\n  - HOST is missing\n', 'exit code 78')).toEqual({
    sentence: 'It ended (exit code 78). The environment is not usable:\n  - HOST is missing',
    mayPass: false,
  })
  expect((await explained('{"level":30,"msg":"started"}\n', 'signal SIGKILL')).sentence).toContain('for want of memory')
})

test('while a start takes, only warnings of this start are told', async () => {
  const logFile = join(folder, 'waiting.log')
  await writeFile(logFile, '{"level":40,"msg":"earlier"}\n{"level":30,"msg":"supervising"}\n')
  expect(lastWarning(logFile, 29)).toBe('')
  expect(lastWarning(logFile, 0)).toBe('earlier')
  expect(lastWarning(join(folder, 'nowhere.log'), 0)).toBe('')
})

test('a data folder that cannot be made or used is named with the reason', async () => {
  await writeFile(join(folder, 'file'), '')
  await expect(makeDataFolder(join(folder, 'file/data'))).rejects.toThrow(
    /^The data folder .*file\/data cannot be used: .*\. Make it, or its parent, writable/,
  )
  const made = await makeDataFolder(join(folder, 'data'))
  await checkDataFolder(made)
})

test('too little memory is said before the start, and enough is not', () => {
  expect(memoryWarning(512)).toMatch(/^Warning: 512 MB of memory are free here, .* about 1500/)
  expect(memoryWarning(16_000)).toBeUndefined()
})
