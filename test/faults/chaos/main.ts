/**
 * Usage: npm run chaos [-- [--rounds N] [--seed S] [--cluster]]
 *   --rounds N   number of rounds; default 10
 *   --seed S     seed of the first round; default random
 *   --cluster    on the servers of npm run cluster: their nodes fail over
 * Sells under random faults: kills, pauses, cuts and restarts everything, then accounts for every unit. Each round has
 * the next seed, and the same seed gives the same schedule. Exits non-zero at the first broken promise.
 */
import { Listr } from 'listr2'
import { commandLine, numberOf } from '../../../core/platform/process/command-line.ts'
import { sweepScratchFolders } from '../../../dev/scratch-folder.ts'
import { ensureBinaries } from '../../../dev/servers/binaries.ts'
import { bundlePrograms } from '../../bundles.ts'
import { type ClusterServers, startClusterServers } from '../support/cluster-servers.ts'
import type { AnyServers } from '../support/servers.ts'
import { INSTANCES } from '../support/settings.ts'
import { type Shop, startShop, startShopOn } from '../support/shop.ts'
import { playRound, type Round } from './round.ts'
import { CLUSTER_VICTIMS, type Victims, VICTIMS } from './schedule.ts'
import { atLength, keepLogs, oneLine } from './told.ts'

const { values } = commandLine({
  rounds: { type: 'string', default: '10' },
  seed: { type: 'string' },
  cluster: { type: 'boolean', default: false },
})
/** Some of a sale on each master. */
const CLUSTER_SHARDS = 6
const rounds = numberOf('--rounds', values.rounds, [1, 1_000_000])
const firstSeed =
  values.seed === undefined ? Date.now() % 1_000_000 : numberOf('--seed', values.seed, [0, Number.MAX_SAFE_INTEGER])

/** Its text is long, and the list of tasks would repeat it. */
let failure: string | undefined
let shop: Shop<AnyServers> | undefined
let play: ((seed: number) => Promise<Round>) | undefined
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
          if (values.cluster) playOn(await startClusterShop(), CLUSTER_VICTIMS)
          else playOn(await startShop({}, INSTANCES), VICTIMS)
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

function startClusterShop(): Promise<Shop<ClusterServers>> {
  const [startServers, overrides] = [startClusterServers, {}]
  return startShopOn({ overrides, wanted: INSTANCES, startServers, hasLinks: false, shards: CLUSTER_SHARDS })
}

function playOn<Own extends AnyServers>(started: Shop<Own>, victims: Victims<Own>): void {
  shop = started
  play = (seed) => playRound(started, seed, victims)
}

function roundTask(seed: number) {
  return async (_: unknown, task: { title: string }): Promise<void> => {
    stopRequest.signal.throwIfAborted()
    if (!shop || !play) throw new Error('There is no shop')
    const round = await play(seed)
    task.title = oneLine(round)
    if (round.broken.length === 0) return
    failure = `${atLength(round, shop, values.cluster)}\nAll logs: ${await keepLogs(shop, seed)}`
    throw new Error(`seed ${seed}: ${round.broken.length} promises broken`)
  }
}
