/**
 * Usage: npm run chaos [-- [--rounds N] [--seed S]]
 *   --rounds N   number of rounds; default 10
 *   --seed S     seed of the first round; default random
 * Sells under random faults: kills, pauses, cuts and restarts everything, then accounts for every unit. Each round has
 * the next seed, and the same seed gives the same schedule. Exits non-zero at the first broken promise.
 */
import { Listr } from 'listr2'
import { commandLine, numberOf } from '../../../core/platform/process/command-line.ts'
import { sweepScratchFolders } from '../../../dev/scratch-folder.ts'
import { ensureBinaries } from '../../../dev/servers/binaries.ts'
import { bundlePrograms } from '../../bundles.ts'
import { INSTANCES } from '../support/settings.ts'
import { type Shop, startShop } from '../support/shop.ts'
import { playRound } from './round.ts'
import { atLength, keepLogs, oneLine } from './told.ts'

const { values } = commandLine({ rounds: { type: 'string', default: '10' }, seed: { type: 'string' } })
const rounds = numberOf('--rounds', values.rounds, [1, 1_000_000])
const firstSeed =
  values.seed === undefined ? Date.now() % 1_000_000 : numberOf('--seed', values.seed, [0, Number.MAX_SAFE_INTEGER])

/** Its text is long, and the list of tasks would repeat it. */
let failure: string | undefined
let shop: Shop | undefined
let bundles: Awaited<ReturnType<typeof bundlePrograms>> | undefined
const stopRequest = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => stopRequest.abort(new Error('Stopped before its end.')))

try {
  await ensureBinaries(console.error)
  await sweepScratchFolders()
  await new Listr(
    [
      {
        title: 'The shop',
        task: async () => {
          bundles = await bundlePrograms()
          process.env.TEST_BUNDLES = bundles.folder
          shop = await startShop({}, INSTANCES)
        },
      },
      ...Array.from({ length: rounds }, (_, i) => ({
        title: `Round ${i + 1} of ${rounds}`,
        task: roundTask(firstSeed + i),
      })),
    ],
    { registerSignalListeners: false },
  ).run()
} catch (error) {
  console.error(failure ?? (error as Error))
  process.exitCode = 1
} finally {
  await shop?.close()
  await bundles?.remove()
}

function roundTask(seed: number) {
  return async (_: unknown, task: { title: string }): Promise<void> => {
    stopRequest.signal.throwIfAborted()
    if (!shop) throw new Error('There is no shop')
    const round = await playRound(shop, seed)
    task.title = oneLine(round)
    if (round.broken.length === 0) return
    failure = `${atLength(round, shop)}\nAll logs: ${await keepLogs(shop, seed)}`
    throw new Error(`seed ${seed}: ${round.broken.length} promises broken`)
  }
}
