import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { memoryWarning } from '../memory.ts'
import { makeScratchFolder, removeScratchFolder } from '../scratch-folder.ts'
import { checkFreeSpace, makeDataFolder } from './data-folder.ts'
import { explain, lastLines } from './explain.ts'

let folder: string
beforeAll(async () => {
  folder = await makeScratchFolder()
})
afterAll(async () => await removeScratchFolder(folder))

async function explained(log: string, why = 'exit code 1', before = '') {
  const logFile = join(folder, 'program.log')
  await writeFile(logFile, before + log)
  return explain({ name: 'It', why, logFile, logFrom: before.length }).replace(logFile, 'program.log')
}

test('the end of the log is told in plain words: without JSON, colours and stack traces, and of this start only', async () => {
  const earlier = '{"level":60,"msg":"of an earlier start"}\n'
  const log = [
    '{"level":60,"err":{"type":"Error","message":"no such column"},"msg":"ending because of an unexpected fault"}',
    'Error: Cannot find module "x"\n    at load (file:1:1)\n',
    '2026-11-28 12:21:51 [error] <0.223.0> \u001b[31mnode name in use\u001b[0m',
    'FATAL:  role "postgres" does not exist',
  ]
  expect(await explained(log.join('\n'), 'exit code 1', earlier)).toBe(
    [
      'It ended (exit code 1). The end of its log, program.log:',
      '  ending because of an unexpected fault: no such column',
      '  Error: Cannot find module "x"',
      '  2026-11-28 12:21:51 [error] <0.223.0> node name in use',
      '  FATAL:  role "postgres" does not exist',
    ].join('\n'),
  )
  expect(await explained('last\n'.repeat(100), 'exit code 1', 'first\n')).toMatch(/^.*(\n {2}last){6}$/)
})

test('a bad environment is told as a whole, and a program that was killed says who may have done it', async () => {
  const names = Array.from({ length: 20 }, (_, i) => `  - NAME_${i} is missing\n`)
  const told = await explained(`The environment is not usable:\n${names.join('')}`, 'exit code 78')
  expect(told).toContain('The environment is not usable')
  expect(told).toContain('NAME_19')
  expect(await explained('{"level":30,"msg":"started"}\n', 'signal SIGKILL')).toContain('for want of memory')
})

test('a log without a line, or of another start, tells nothing', async () => {
  const logFile = join(folder, 'waiting.log')
  await writeFile(logFile, '{"level":40,"msg":"earlier"}\n\n')
  expect(lastLines(logFile, 29, 1)).toEqual([])
  expect(lastLines(logFile, 0, 1)).toEqual(['earlier'])
})

test('a data folder that cannot be made or used, or has no room, is named with the reason', async () => {
  await writeFile(join(folder, 'file'), '')
  await expect(makeDataFolder(join(folder, 'file/data'))).rejects.toThrow(
    /^The data folder .*file\/data cannot be used by this user: ENOTDIR/,
  )
  const made = await makeDataFolder(join(folder, 'data'))
  const { uid } = await stat(made)
  await expect(makeDataFolder(made, uid + 1)).rejects.toThrow(
    `belongs to another user (uid ${uid}), who has started the system from here`,
  )
  await checkFreeSpace(made)
  await expect(checkFreeSpace(made, 1e9)).rejects.toThrow(/ has \d+ MB left; expected 1000000000 MB. Make room on it/)
})

test('too little memory is said before the start, and enough is not', () => {
  expect(memoryWarning(512)).toMatch(/^Warning: 512 MB of memory are free here, .* about 1500/)
  expect(memoryWarning(16_000)).toBeUndefined()
})
