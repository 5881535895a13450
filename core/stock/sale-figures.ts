import type { Opening } from '../contracts/opening.ts'

/** How long the data of a sale stays in Redis after its end. */
export const KEPT_AFTER_END_MS = 24 * 3_600_000

/** A sale as Redis knows it. */
export interface SaleFigures {
  saleId: string
  epoch: number
  title: string
  priceCents: number
  total: number
  left: number
  perBuyerLimit: number
  /** Parts of its ledger; absent when that is one. */
  shards?: number
  opensAtMs: number
  closesAtMs: number
  /** Nothing is reserved while an operator has stopped it; absent when it is not. */
  isStopped?: true
  /** Rules of its opening; absent when there are none. */
  opening?: Opening
  /** Of the seed that orders those who come to the waiting room before the opening; absent without one. */
  seedHash?: string
  /** Number of its terms (price and limit per buyer); absent for the first. */
  terms?: number
  /** Units that the holders' bits are laid out for; absent while that is the total. */
  holderUnits?: number
  /** Most units that one reservation of this epoch took; absent before the first. */
  largestQuantity?: number
}

/** The fields of a sale's hash in one ledger, see close.lua. */
export type LedgerHash = Record<string, string>

/** A move of units between two shards of a sale, see leave.lua. */
export interface Move {
  from: number
  to: number
  sequence: string
  units: number
}

/**
 * What the ledgers of a sale add up to, of one instant. Units that have left one shard and not arrived in another count
 * as left. Undefined when Redis has nothing of that sale, or its shards are of different epochs.
 */
export function saleFigures(saleId: string, hashes: LedgerHash[]): SaleFigures | undefined {
  const [hash] = hashes
  if (hash?.epoch === undefined || hashes.some(({ epoch }) => epoch !== hash.epoch)) return undefined
  const sum = (of: (ledger: LedgerHash) => string | undefined) =>
    hashes.reduce((total, ledger) => total + Number(of(ledger)), 0)
  const underWay = movesIn(hashes).filter((move) => !hasArrived(hashes, move))
  const largestQuantity = Math.max(...hashes.map(({ largest_quantity: quantity }) => Number(quantity ?? 0)))
  return {
    saleId,
    epoch: Number(hash.epoch),
    title: hash.title ?? '',
    priceCents: Number(hash.price_cents),
    total: sum(({ total }) => total),
    left: sum(({ stock }) => stock) + underWay.reduce((units, move) => units + move.units, 0),
    perBuyerLimit: Number(hash.per_buyer_limit),
    opensAtMs: Number(hash.opens_at_ms),
    closesAtMs: Number(hash.closes_at_ms),
    ...(hash.shards ? { shards: Number(hash.shards) } : {}),
    ...(hashes.some(({ stopped }) => stopped === '1') ? { isStopped: true } : {}),
    ...(hash.opening ? { opening: readOpening(hash.opening) } : {}),
    ...(hash.seed_hash ? { seedHash: hash.seed_hash } : {}),
    ...(hash.terms ? { terms: Number(hash.terms) } : {}),
    ...(hashes.some((ledger) => ledger.holder_units)
      ? { holderUnits: sum((ledger) => ledger.holder_units ?? ledger.total) }
      : {}),
    ...(largestQuantity > 0 ? { largestQuantity } : {}),
  }
}

/** Unreadable rules count as none that a sale can have, so that the reconciler writes the right ones. */
function readOpening(text: string): Opening {
  try {
    return JSON.parse(text) as Opening
  } catch {
    return {}
  }
}

/** The moves that their sources have not noted as completed; units of some may have arrived. */
export function movesIn(hashes: LedgerHash[]): Move[] {
  return hashes.flatMap((hash, from) =>
    Object.entries(hash).flatMap(([field, value]) => {
      if (!field.startsWith('to:')) return []
      const [sequence = '', units] = value.split(' ')
      return units === '0' ? [] : [{ from, to: Number(field.slice(3)), sequence, units: Number(units) }]
    }),
  )
}

function hasArrived(hashes: LedgerHash[], { from, to, sequence }: Move): boolean {
  return Number(hashes[to]?.[`from:${from}`] ?? 0) >= Number(sequence)
}
