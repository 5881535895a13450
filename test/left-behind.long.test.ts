import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { isAlive, type ProcessId } from '../dev/processes.ts'
import { stretched } from './support/patience.ts'

const FIXTURES = 'test/support/left-behind'
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'left-behind-'))
})
afterAll(() => rm(folder, { recursive: true }))

const VITEST = ['node_modules/vitest/vitest.mjs', 'run']
const NPM_TEST = ['dev/run.mjs', 'dev/test.ts']

/** Runs that test on the servers of this run. @returns the service it started, and what was printed */
async function run(program: string[], named: string): Promise<{ service: ProcessId; said: string }> {
  const file = join(folder, named.replaceAll(' ', '-'))
  const { all, exitCode } = await execa('node', [...program, '--config', `${FIXTURES}/vitest.config.ts`, '-t', named], {
    all: true,
    reject: false,
    timeout: stretched(120_000),
    env: {
      SERVICE_FILE: file,
      TEST_SERVERS: JSON.stringify({
        databaseUrl: inject('databaseUrl'),
        templateDatabase: inject('templateDatabase'),
        redisUrl: inject('redisUrl'),
        rabbitmqUrl: inject('rabbitmqUrl'),
        managementUrl: inject('managementUrl'),
      }),
    },
  })
  expect(exitCode, all).toBe(1)
  return { service: JSON.parse(await readFile(file, 'utf8')) as ProcessId, said: all }
}

test('a test that hits its time limit leaves no service running', async () => {
  const { service, said } = await run(VITEST, 'hits its limit')
  expect(said).toContain('Test timed out')
  expect(isAlive(service)).toBe(false)
})

test('nor does a test file that is killed, once npm test is over', async () => {
  const { service, said } = await run(NPM_TEST, 'is killed')
  expect(said).toContain('1 failed')
  expect(isAlive(service)).toBe(false)
})
