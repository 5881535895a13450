import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { buildPages } from './pages.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'seckill-pages-'))
})
afterAll(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true })
})

test('the pages are built, and what is started next does not run for production', async () => {
  vi.stubEnv('NODE_ENV', undefined)
  await buildPages(folder)
  expect(await readdir(folder)).toEqual(expect.arrayContaining(['assets', 'control-room', 'shop']))
  expect(process.env.NODE_ENV).toBeUndefined()
})
