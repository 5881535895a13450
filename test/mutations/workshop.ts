import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { stretched } from '../support/patience.ts'
import type { TestServers } from '../servers.ts'
import { copyProject, takeAway } from './copy.ts'
import type { Guard } from './guard.ts'

/** More than any of the test files takes, also when one of its tests waits until its last limit. */
const RUN_LIMIT_MS = 600_000

const Result = z.object({
  numPassedTests: z.number(),
  testResults: z.array(
    z.object({ message: z.string(), assertionResults: z.array(z.object({ title: z.string(), status: z.string() })) }),
  ),
})

export interface TestRun {
  passed: number
  /** Names of the tests that failed. */
  failed: string[]
  /** Why a file could not be run at all. */
  broken: string[]
}

/** A copy of the project in which rules are taken away, so that the project itself never is without them. */
export class Workshop {
  readonly #folder: string
  readonly #servers: TestServers

  private constructor(folder: string, servers: TestServers) {
    this.#folder = folder
    this.#servers = servers
  }

  static async open(folder: string, servers: TestServers): Promise<Workshop> {
    await copyProject(folder)
    return new Workshop(folder, servers)
  }

  /**
   * Runs the guard's tests without it. @throws when its text does not stand in its file exactly once, or they cannot be
   * run.
   */
  async without(guard: Guard): Promise<TestRun> {
    const { tests } = guard
    const putBack = takeAway(guard, this.#folder)
    try {
      const run = await this.run([tests.file], [tests.named ?? ''])
      if (run.passed + run.failed.length === 0) run.broken.push(`no test is called "${tests.named}…"`)
      if (run.broken.length > 0)
        throw new Error(`${tests.file} cannot be run without the guard: ${run.broken.join('\n')}`)
      return run
    } finally {
      putBack()
    }
  }

  /** The tests of these files whose names begin so. */
  async run(files: string[], named: string[]): Promise<TestRun> {
    const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs')
    const output = join(this.#folder, 'result.json')
    writeFileSync(output, '')
    const pattern = named
      .map((beginning) => `^${beginning.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`)}`)
      .join('|')
    const limitMs = stretched(RUN_LIMIT_MS)
    const child = spawn(
      process.execPath,
      [vitest, 'run', ...files, '-t', pattern, '--reporter=json', `--outputFile=${output}`],
      {
        cwd: this.#folder,
        stdio: 'ignore',
        timeout: limitMs,
        killSignal: 'SIGKILL',
        env: { ...process.env, TEST_SERVERS: JSON.stringify(this.#servers) },
      },
    )
    await new Promise((resolve) => child.once('exit', resolve))
    const text = readFileSync(output, 'utf8')
    if (text === '') return { passed: 0, failed: [], broken: [`vitest gave no result within ${limitMs} ms`] }
    const { numPassedTests, testResults } = Result.parse(JSON.parse(text))
    return {
      passed: numPassedTests,
      failed: testResults.flatMap(({ assertionResults }) =>
        assertionResults.filter(({ status }) => status === 'failed').map(({ title }) => title),
      ),
      broken: testResults.filter(({ assertionResults }) => assertionResults.length === 0).map(({ message }) => message),
    }
  }
}
