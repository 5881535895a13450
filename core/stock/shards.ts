import { fnv1a } from './holders.ts'

/**
 * A sale's ledger may be split into shards, each a ledger of its own with a share of the units and of the buyers. Shard 0
 * has the name of the sale, so that a sale of one shard has the keys and ids that it would have without shards. No sale's
 * id has a dot in it.
 */
export const ledgerName = (saleId: string, shard: number) => (shard === 0 ? saleId : `${saleId}.${shard}`)

/** The names of a sale's ledgers, by shard. */
export const ledgersOf = (saleId: string, shards = 1) =>
  Array.from({ length: shards }, (_, shard) => ledgerName(saleId, shard))

/** The shard of a ledger; NaN of a name that no ledger has. */
export function shardOfLedger(ledger: string): number {
  const dot = ledger.indexOf('.')
  return dot < 0 ? 0 : Number(ledger.slice(dot + 1))
}

/** The sale of a ledger, or of a reservation, whose id begins with its ledger. */
export function saleOf(name: string): string {
  const dot = name.indexOf('.')
  return dot < 0 ? name : name.slice(0, dot)
}

/**
 * The shard of a buyer, always the same: in another one they could buy up to their limit once more. By the high bits of
 * a product, since the low bits of the hash choose the holder's bit, of which a shard would then use only a few.
 */
export function shardOf(buyerId: string, shards = 1): number {
  if (shards === 1) return 0
  const mixed = Math.imul(fnv1a(buyerId), 0x9e3779b1) >>> 0
  return Math.floor((mixed / 2 ** 32) * shards)
}

/** The name of the ledger that has a buyer's reservations of a sale. */
export const ledgerForBuyer = ({ saleId, shards }: { saleId: string; shards?: number | undefined }, buyerId: string) =>
  ledgerName(saleId, shardOf(buyerId, shards))

/** A shard's part of units that are split evenly. */
export function shareOf(units: number, shards: number, shard: number): number {
  return Math.floor(units / shards) + (shard < units % shards ? 1 : 0)
}

/**
 * By how much each stock changes when all together change by that many units: evenly when units come. Units that go are
 * taken so that the stocks end as even as they can be, and none below 0 while others have units.
 */
export function spread(units: number, stocks: number[]): number[] {
  const shards = stocks.length
  if (units >= 0) return stocks.map((_, shard) => shareOf(units, shards, shard))
  const left = stocks.reduce((sum, stock) => sum + stock, 0)
  let kept = Math.max(0, left + units)
  const tooFew = kept - (left + units)
  const changes = stocks.map((_, shard) => -shareOf(tooFew, shards, shard))
  const ascending = stocks.map((stock, shard) => ({ stock, shard })).sort((one, other) => one.stock - other.stock)
  for (const [i, { stock, shard }] of ascending.entries()) {
    const keeps = Math.min(stock, Math.floor(kept / (shards - i)))
    kept -= keeps
    changes[shard] = (changes[shard] ?? 0) + keeps - stock
  }
  return changes
}

interface HolderUnits {
  total: number
  holderUnits?: number | undefined
  shards?: number | undefined
}

/** Units that the holders' bits of a buyer's shard are laid out for. */
export const holderUnitsOf = ({ total, holderUnits = total, shards = 1 }: HolderUnits, buyerId: string) =>
  shareOf(holderUnits, shards, shardOf(buyerId, shards))

/**
 * The same for a shard whose ledger is lost, from those of other shards: all are shares of one number of units, so that
 * the bits of the others stay where gateways look for them.
 */
export function holderUnitsFrom(others: { shard: number; units: number }[], lost: number): number {
  const least = Math.min(...others.map(({ units }) => units))
  const lastWithMore = Math.max(-1, ...others.filter(({ units }) => units > least).map(({ shard }) => shard))
  return least + (lost <= lastWithMore ? 1 : 0)
}
