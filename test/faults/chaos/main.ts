/**
 * Usage: npm run chaos [-- [--rounds N | --each] [--seed S] [--cluster]]
 *   --rounds N   number of rounds; default 10
 *   --each       each kind of fault by itself, one a round; shows what buyers were told in each second
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
import { CLUSTER_VICTIMS, drawSchedule, eachAlone, type Victims, VICTIMS } from './schedule.ts'
import { answersBySecond, atLength, keepLogs, oneLine } from './told.ts'

const { values } = commandLine({
  rounds: { type: 'string', default: '10' },
  each: { type: 'boolean', default: false },
  seed: { type: 'string' },
  cluster: { type: 'boolean', default: false },
})
/** Some of a sale on each master. */
const CLUSTER_SHARDS = 6
const rounds = values.each
  ? (values.cluster ? eachAlone(CLUSTER_VICTIMS) : eachAlone(VICTIMS)).length
  : numberOf('--rounds', values.rounds, [1, 1_000_000])
const firstSeed =
  values.seed === undefined ? Date.now() % 1_000_000 : numberOf('--seed', values.seed, [0, Number.MAX_SAFE_INTEGER])

/** Its text is long, and the list of tasks would repeat it. */
let failure: string | undefined
let shop: Shop<AnyServers> | undefined
let play: ((round: number) => Promise<Round>) | undefined
/** Of the rounds that were played. */
const answers: string[] = []
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
        task: roundTask(i),
      })),
    ],
    { registerSignalListeners: false },
  ).run()
} catch (error) {
  console.error(failure ?? (error as Error))
  process.exitCode = 1
} finally {
  if (answers.length > 0) console.log(`\n${answers.join('\n\n')}`)
  await shop?.close()
  await bundles?.remove()
}

function startClusterShop(): Promise<Shop<ClusterServers>> {
  const [startServers, overrides] = [startClusterServers, {}]
  return startShopOn({ overrides, wanted: INSTANCES, startServers, hasLinks: false, shards: CLUSTER_SHARDS })
}

function playOn<Own extends AnyServers>(started: Shop<Own>, victims: Victims<Own>): void {
  shop = started
  const alone = eachAlone(victims)
  play = (round) => {
    const seed = firstSeed + round
    return playRound(started, seed, values.each ? (alone[round] ?? []) : drawSchedule(seed, victims))
  }
}

function roundTask(index: number) {
  return async (_: unknown, task: { title: string }): Promise<void> => {
    stopRequest.signal.throwIfAborted()
    if (!shop || !play) throw new Error('There is no shop')
    const round = await play(index)
    task.title = oneLine(round)
    if (values.each) answers.push(answersBySecond(round))
    if (round.broken.length === 0) return
    failure = `${atLength(round, shop, values.cluster)}\nAll logs: ${await keepLogs(shop, round.seed)}`
    throw new Error(`seed ${round.seed}: ${round.broken.length} promises broken`)
  }
}
