import { slicesOf } from '../platform/batches/divide.ts'
import type { RedisClient } from '../platform/stores/redis.ts'
import type { StockKeys } from './keys.ts'
import { areOpen, readLedgers } from './read-ledgers.ts'
import { readMember, type ReservationName, reservationsOf } from './reservation.ts'
import type { LedgerHash } from './sale-figures.ts'

const READ_TOGETHER_MAX = 500

/** What some ledgers of a sale have. */
export interface HeldUnits {
  /** Units of the sale, sold ones included. */
  total: number
  /** Units left. */
  left: number
  /** Those that are neither ordered nor rejected in Redis. */
  undecided: { reservationId: string; quantity: number }[]
}

/**
 * Undefined unless all of the ledgers are open under that epoch. Of each ledger what is left and what is undecided are
 * of one instant, and a quantity never changes.
 */
export async function readHeld(
  redis: RedisClient,
  keys: StockKeys,
  ledgers: string[],
  epoch: number,
): Promise<HeldUnits | undefined> {
  const found = await readLedgers<[undecided: string[]]>(redis, keys, ledgers, (reading, ledger) =>
    reading.zrange(keys.undecided(ledger), 0, '-1'),
  )
  const hashes = found.map(([hash]) => hash)
  if (hashes.some((hash) => hash.epoch !== String(epoch))) return undefined
  if (!(await areOpen(redis, keys, ledgers, hashes))) return undefined
  const undecided = await Promise.all(
    found.map(([hash, members], i) => readQuantities(redis, keys, ledgers[i] ?? '', hash, members)),
  )
  const sum = (field: string) => hashes.reduce((total, hash) => total + Number(hash[field]), 0)
  return { total: sum('total'), left: sum('stock'), undecided: undecided.flat() }
}

async function readQuantities(
  redis: RedisClient,
  keys: StockKeys,
  ledger: string,
  { largest_quantity: largest }: LedgerHash,
  members: string[],
): Promise<HeldUnits['undecided']> {
  const quantities: HeldUnits['undecided'] = []
  for (const some of slicesOf(members, READ_TOGETHER_MAX)) {
    const names = some.map((member) => readMember(ledger, member))
    const records = await redis.hmget(keys.book(ledger), ...names.map(({ buyerId }) => buyerId))
    for (const [i, name] of names.entries()) {
      const quantity = quantityIn(ledger, name, records[i]) ?? Number(largest ?? 1)
      quantities.push({ reservationId: name.reservationId, quantity })
    }
  }
  return quantities
}

const quantityIn = (ledger: string, { reservationId, buyerId }: ReservationName, record: string | null | undefined) =>
  reservationsOf(ledger, buyerId, record).find((reservation) => reservation.reservationId === reservationId)?.quantity
