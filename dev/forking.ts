/**
 * Usage: npm run forking [-- --all]
 *   --all   the whole test suite instead of the tests that the steps bring
 * Follows docs/forking.md in a copy of the project: applies its patches in their order and deletes what it says, then
 * checks types and runs the tests there.
 */
import { appendFileSync, readFileSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { execa } from 'execa'
import { commandLine } from '../core/platform/process/command-line.ts'
import { copyProject } from '../test/mutations/copy.ts'
import { applyPatch, deletionsOf, filesOf, GUIDE, patchesOf } from './documents/guide.ts'
import { ensurePages } from './pages.ts'
import { RunRecord } from './run-file.ts'
import { makeScratchFolder, removeScratchFolder, sweepScratchFolders } from './scratch-folder.ts'

const {
  values: { all },
} = commandLine({ all: { type: 'boolean' } })

const guide = readFileSync(GUIDE, 'utf8')
const patches = patchesOf(guide)
await ensurePages(console.error)
await sweepScratchFolders()
const folder = await makeScratchFolder()
// Without it, the next command takes the folder for one that was left behind.
await RunRecord.claim(folder)
try {
  await copyProject(folder)
  for (const patch of patches) applyPatch(resolve(patch), folder)
  for (const path of deletionsOf(guide)) rmSync(join(folder, path), { recursive: true })
  // Some tests ask git for the files of the project.
  await execa('git', ['init', '--quiet'], { cwd: folder })
  appendFileSync(join(folder, '.git/info/exclude'), 'node_modules\n')
  const tests = patches.flatMap(filesOf).filter((file) => file.endsWith('.test.ts'))
  process.exitCode = await firstFailure([
    // Generates the database client, as the first command of any clone does.
    ['run', '-s', 'env-example', '--', '--check'],
    ['run', '-s', 'migration', '--', '--check'],
    ['run', '-s', 'typecheck'],
    ['test', '--silent', ...(all ? [] : ['--', ...tests])],
    ...(all ? [['run', '-s', 'test:browser']] : []),
  ])
} finally {
  await removeScratchFolder(folder)
}

async function firstFailure(commands: string[][]): Promise<number> {
  for (const args of commands) {
    console.log(`In the copy: npm ${args.join(' ')}`)
    const { exitCode } = await execa('npm', args, { cwd: folder, stdio: 'inherit', reject: false })
    if (exitCode !== 0) return exitCode ?? 1
  }
  return 0
}
