/**
 * Usage: npm run mutations [-- [--only TEXT]… [--count N] [--seed S]]
 *   --only TEXT   only rules with this text in their name or file; given more than once, with any of the texts
 *   --count N     only so many, drawn by the seed
 *   --seed S      draws the same ones again
 * Takes the rules that protect stock and money away, one at a time, in a copy of the project, and runs the tests that
 * must fail then. Ends non-zero when a rule is not missed by its tests. With --count only so many are tried, drawn by
 * the seed.
 */
import { Listr } from 'listr2'
import { commandLine, numberOf, refuse } from '../../core/platform/process/command-line.ts'
import { draw } from '../../dev/draw.ts'
import { ensurePages } from '../../dev/pages.ts'
import { RunRecord } from '../../dev/run-file.ts'
import { makeScratchFolder, removeScratchFolder, sweepScratchFolders } from '../../dev/scratch-folder.ts'
import { ensureBinaries } from '../../dev/servers/binaries.ts'
import { startTestServers } from '../servers.ts'
import type { Guard } from './guard.ts'
import { GUARDS } from './guards/index.ts'
import { Workshop } from './workshop.ts'

const { values } = commandLine({
  only: { type: 'string', multiple: true, default: [''] },
  count: { type: 'string' },
  seed: { type: 'string' },
})
const seed =
  values.seed === undefined ? Date.now() % 1_000_000 : numberOf('--seed', values.seed, [0, Number.MAX_SAFE_INTEGER])
const count = values.count === undefined ? Infinity : numberOf('--count', values.count, [1, GUARDS.length])
const guards = chosen()
if (guards.length === 0) refuse(`--only: no rule and no file of a rule has the text "${values.only.join('" or "')}".`)

await ensureBinaries(console.error)
await ensurePages(console.error)
await sweepScratchFolders()
const folder = await makeScratchFolder()
// Without it, the next command takes the folder for one that was left behind.
await RunRecord.claim(folder)
const { stop, ...servers } = await startTestServers()
try {
  const workshop = await Workshop.open(folder, servers)
  const survived: string[] = []
  await new Listr([
    { title: 'With every rule in place', task: () => allGreen(workshop) },
    ...guards.map((guard) => ({
      title: guard.rule,
      task: async (_: unknown, task: { title: string }) => {
        task.title = await judge(workshop, guard, survived)
      },
      exitOnError: false,
    })),
  ]).run()
  console.log(`${guards.length} rules taken away (seed ${seed}), ${survived.length} not missed`)
  for (const rule of survived) console.error(`NOT MISSED ${rule}`)
  if (survived.length > 0) process.exitCode = 1
} catch (error) {
  console.error((error as Error).message)
  process.exitCode = 1
} finally {
  await stop()
  await removeScratchFolder(folder)
}

function chosen(): Guard[] {
  const matching = GUARDS.filter(({ rule, file }) => values.only.some((text) => `${rule} ${file}`.includes(text)))
  if (count === Infinity) return matching
  return draw(matching, count, String(seed), ({ rule }) => rule)
}

/** Tests that fail anyway prove nothing. */
async function allGreen(workshop: Workshop): Promise<void> {
  const files = [...new Set(guards.map(({ tests }) => tests.file))]
  const { failed, broken, passed } = await workshop.run(
    files,
    guards.map(({ tests }) => tests.named ?? ''),
  )
  if (failed.length + broken.length > 0 || passed === 0)
    throw new Error(`These fail with every rule in place:\n${[...failed, ...broken].join('\n')}`)
}

async function judge(workshop: Workshop, guard: Guard, survived: string[]): Promise<string> {
  const { failed } = await workshop.without(guard).catch((error: unknown) => {
    survived.push(`${guard.rule}: ${(error as Error).message}`)
    throw error
  })
  if (failed.length > 0)
    return `${guard.rule}: missed by "${failed[0]}"${failed.length > 1 ? ` and ${failed.length - 1} more` : ''}`
  survived.push(`${guard.rule} (${guard.file}): ${guard.tests.file} stays green without it`)
  return `${guard.rule}: NOT MISSED`
}
