import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { clearData } from './clear-data.ts'
import { AlreadyRunning } from './run-file.ts'
import { startTime } from './processes.ts'
import { makeScratchFolder, removeScratchFolder } from './scratch-folder.ts'

let folder: string
beforeAll(async () => {
  folder = await makeScratchFolder()
  for (const name of ['postgres', 'logs', 'bin']) mkdirSync(join(folder, name))
  writeFileSync(join(folder, 'bin/k6'), '')
})
afterAll(() => removeScratchFolder(folder))

test('data that a running start is using is not cleared', async () => {
  const launcher = { pid: process.ppid, startedAt: startTime(process.ppid) }
  writeFileSync(join(folder, 'run.json'), JSON.stringify({ launcher, processes: {}, urls: {} }))
  await expect(clearData(folder)).rejects.toThrow(AlreadyRunning)
  expect(existsSync(join(folder, 'postgres'))).toBe(true)
})

test('data is cleared, and what was built stays', async () => {
  writeFileSync(
    join(folder, 'run.json'),
    JSON.stringify({ launcher: { pid: 0, startedAt: 'long ago' }, processes: {}, urls: {} }),
  )
  await clearData(folder)
  expect(readdirSync(folder)).toEqual(['bin'])
  expect(existsSync(join(folder, 'bin/k6'))).toBe(true)
})
