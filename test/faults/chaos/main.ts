/**
 * npm run chaos [-- --rounds 10] [--seed S]
 * Sells in bad weather: kills, pauses, cuts and restarts everything at random, then accounts for every unit. Each round has
 * the next seed, and a seed is always the same schedule. Ends non-zero at the first promise that was broken.
 */
import { parseArgs } from 'node:util'
import { Listr } from 'listr2'
import { sweepScratchFolders } from '../../../dev/scratch-folder.ts'
import { ensureBinaries } from '../../../dev/servers/binaries.ts'
import { INSTANCES } from '../support/settings.ts'
import { type Shop, startShop } from '../support/shop.ts'
import { playRound } from './round.ts'
import { atLength, keepLogs, oneLine } from './told.ts'

const { values } = parseArgs({ options: {
  rounds: { type: 'string', default: '10' }, seed: { type: 'string' },
} })
const rounds = Number(values.rounds)
const firstSeed = Number(values.seed ?? Date.now() % 1_000_000)
if (!(rounds > 0) || !Number.isInteger(firstSeed)) {
  console.error('Expected numbers: npm run chaos -- [--rounds 10] [--seed S]')
  process.exit(2)
}

/** Its text is long, and the list of tasks would repeat it. */
let failure: string | undefined
let shop: Shop | undefined
const stopRequest = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stopRequest.abort(new Error('Stopped before its end.')))

try {
  await ensureBinaries(console.error)
  await sweepScratchFolders()
  await new Listr([
    { title: 'The shop', task: async () => { shop = await startShop({}, INSTANCES) } },
    ...Array.from({ length: rounds }, (_, i) => ({ title: `Round ${i + 1} of ${rounds}`, task: roundTask(firstSeed + i) })),
  ], { registerSignalListeners: false }).run()
} catch (error) {
  console.error(failure ?? (error as Error))
  process.exitCode = 1
} finally {
  await shop?.close()
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
