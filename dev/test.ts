/**
 * Usage: npm test [-- arguments for vitest]        for example: npm test -- gateway/sold-out.test.ts
 *        npm run test:unit                         only those that need no server
 *        npm run test:labs                         only the labs, without and with each protection
 *        npm run test:browser                      only those of the pages, in Chromium
 *        npm run screenshots                       makes the pictures of both pages anew
 * Runs the test suite on servers of its own, also beside a running npm start. Arguments are handed to vitest
 * (npx vitest --help shows them).
 */
import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { ensurePages } from './pages.ts'
import { sweepScratchFolders } from './scratch-folder.ts'
import { ensureBinaries } from './servers/binaries.ts'

/** For vitest's own teardown, which stops the servers in order. */
const TEARDOWN_LIMIT_MS = 20_000

const args = process.argv.slice(2)
const needsServers = !args.join(' ').startsWith('--project unit')
const needsBrowser = args.some((arg) => arg.includes('browser'))
/** The labs and the pages have commands of their own: with them npm test would take three minutes more. */
const PROJECTS = ['unit', 'servers']

try {
  if (needsServers) {
    await ensureBinaries(console.error)
    await ensurePages(console.error)
    if (needsBrowser) await ensureBinaries(console.error, ['chromium'])
    // Without it the tests of the alerts fail, and all others run.
    await ensureBinaries(console.error, ['prometheus', 'promtool']).catch((error: Error) =>
      console.error(error.message),
    )
  }
  await sweepScratchFolders()
  process.exitCode = await vitest([
    'run',
    ...(args.length > 0 ? args : PROJECTS.flatMap((name) => ['--project', name])),
  ])
} catch (error) {
  console.error((error as Error).message)
  process.exitCode = 1
}
// Interrupted, vitest may leave without its teardown, and then its servers stay.
await sweepScratchFolders()

async function vitest(args: string[]): Promise<number> {
  const script = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs')
  const child = spawn(process.execPath, [script, ...args], { stdio: 'inherit' })
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => resolve(code ?? 130)) // No code: a signal ended it.
  })
  const stop = () => {
    child.kill('SIGINT')
    setTimeout(() => child.kill('SIGKILL'), TEARDOWN_LIMIT_MS).unref()
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop)
  return await ended
}
