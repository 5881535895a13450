import { type ChainableCommander, Cluster } from 'ioredis'
import type { RedisClient } from '../platform/stores/redis.ts'
import type { StockKeys } from './keys.ts'
import type { LedgerHash } from './sale-figures.ts'
import { serverRunId } from './server-run.ts'

/** In a cluster; a process that moves units does so for a second at most. */
const READINGS_MAX = 50

type Reading<More extends unknown[]> = [hash: LedgerHash, ...More]

/**
 * The hashes of a sale's ledgers, and what `more` reads of each, of one instant: a move between two instants would be
 * counted twice, or not at all. The shards of a cluster are on several servers, and no transaction reads them all: they
 * are read until no units have moved between two readings, since the sequences of moves never return.
 * @throws an outage when Redis does not answer, or units kept moving
 */
export async function readLedgers<More extends unknown[]>(
  redis: RedisClient,
  keys: StockKeys,
  ledgers: string[],
  more: (reading: ChainableCommander, ledger: string) => ChainableCommander = (reading) => reading,
): Promise<Reading<More>[]> {
  const read = async (some: string[]): Promise<Reading<More>[]> => {
    const reading = redis.multi()
    for (const ledger of some) more(reading.hgetall(keys.sale(ledger)), ledger)
    const answers = ((await reading.exec()) ?? []).map(([error, value]) => {
      if (error) throw error
      return value
    })
    const size = answers.length / some.length
    return some.map((_, i) => answers.slice(i * size, (i + 1) * size) as Reading<More>)
  }
  if (!(redis instanceof Cluster) || ledgers.length === 1) return read(ledgers)
  const readAll = async () => (await Promise.all(ledgers.map((ledger) => read([ledger])))).flat()
  let before = await readAll()
  for (let count = 1; count < READINGS_MAX; count++) {
    const readings = await readAll()
    if (movesText(readings) === movesText(before)) return readings
    before = readings
  }
  throw new Error('Units kept moving between the shards while they were read')
}

function movesText(readings: Reading<unknown[]>[]): string {
  return JSON.stringify(readings.map(([hash]) => Object.entries(hash).filter(isOfMoves).toSorted(byField)))
}

const byField = ([one]: [string, string], [other]: [string, string]) => (one < other ? -1 : 1)
const isOfMoves = ([field]: [string, string]) => /^(from|to):/.test(field)

export async function readHashes(redis: RedisClient, keys: StockKeys, ledgers: string[]): Promise<LedgerHash[]> {
  return (await readLedgers<[]>(redis, keys, ledgers)).map(([hash]) => hash)
}

/** Whether all ledgers are open: valid in the run of the server that has them. @throws when Redis does not answer */
export async function areOpen(
  redis: RedisClient,
  keys: StockKeys,
  ledgers: string[],
  hashes: LedgerHash[],
): Promise<boolean> {
  const runIds = await Promise.all(ledgers.map((ledger) => serverRunId(redis, keys.sale(ledger))))
  return hashes.every((hash, i) => hash.run_id === runIds[i])
}
