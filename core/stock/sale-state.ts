import { isDeepStrictEqual } from 'node:util'
import type { EndReason } from '../contracts/end-reason.ts'
import type { ReservationRef } from './reservation.ts'
import type { Move, SaleFigures } from './sale-figures.ts'

/** What is known of a sale before it opens; of one of several shards, by the name of its ledger and with its share. */
export type ClosedSale = Omit<SaleFigures, 'left' | 'holderUnits' | 'largestQuantity'>

/**
 * Whether buyers can reserve: `CLOSED` while the sale is loaded, `LOST` when this server's copy of it may be an old
 * one.
 */
export interface SaleState {
  state: 'OPEN' | 'CLOSED' | 'LOST'
  epoch: number
  /** Reservations that were filled in since the sale was closed. */
  refilled: number
}

/** What the reconciler compares, of one instant. */
export interface StockTally {
  left: number
  /** The units left of each shard, without those under way. */
  stocks: number[]
  /** Moves between shards that are not completed. */
  moves: Move[]
  /** Upper bound of the units that are neither ordered nor rejected. */
  undecidedMax: number
  /** Buyers on the blacklist of each shard. */
  blacklisted: number[]
  /** What Redis says the sale is. */
  figures: SaleFigures
}

/** A reservation as the database knows it. */
export interface DecidedReservation extends ReservationRef {
  status: 'ORDERED' | 'PAID' | 'CANCELLED' | 'REFUNDED' | 'REJECTED'
  reason: EndReason | null
  orderId: string | null
  reservedAtMs: number
  /** By which the client names the purchase. */
  key: string | null
  couponCode: string | null
  points: number | null
  /** When the order lapsed; null of every other reservation. */
  lapsedAtMs: number | null
}

const COMPARED = [
  'title',
  'priceCents',
  'total',
  'perBuyerLimit',
  'shards',
  'opensAtMs',
  'closesAtMs',
  'isStopped',
  'opening',
  'seedHash',
  'terms',
] as const

/** The figures in which Redis says something else of a sale than the database, by name. */
export function differingFigures(redis: ClosedSale, database: ClosedSale): (typeof COMPARED)[number][] {
  return COMPARED.filter((name) => !isDeepStrictEqual(redis[name], database[name]))
}

/** The state of a sale from those of its shards: open when all of them are, lost when one is or their epochs differ. */
export function stateOfSale(shards: SaleState[]): SaleState {
  const epoch = Math.max(...shards.map((shard) => shard.epoch))
  const isLost = shards.some((shard) => shard.state === 'LOST' || shard.epoch !== epoch)
  const isOpen = shards.every((shard) => shard.state === 'OPEN')
  const refilled = shards.reduce((sum, shard) => sum + shard.refilled, 0)
  return { state: isLost ? 'LOST' : isOpen ? 'OPEN' : 'CLOSED', epoch, refilled }
}
