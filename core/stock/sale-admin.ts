import type { RedisClient } from '../platform/stores/redis.ts'
import { slicesOf } from '../platform/batches/divide.ts'
import { type BlacklistDifference, compareBlacklist } from './compare-blacklist.ts'
import { holderBit } from './holders.ts'
import { StockKeys } from './keys.ts'
import { Moves } from './moves.ts'
import { type HeldUnits, readHeld } from './read-held.ts'
import { areOpen, readLedgers } from './read-ledgers.ts'
import { localId, wishesOf, wishesText } from './reservation.ts'
import type { ClosedSale, DecidedReservation, SaleState, StockTally } from './sale-state.ts'
import { KEPT_AFTER_END_MS, movesIn, saleFigures } from './sale-figures.ts'
import { type Call, type Scripts, scriptsOn } from './scripts.ts'
import { serverRunId } from './server-run.ts'
import { ledgersOf } from './shards.ts'

const BLACKLIST_PIECE = 10_000
/** The arguments of a script stand on its stack, which takes 8,000. */
const BLACKLISTED_PER_CALL_MAX = 5_000
const LEDGERS_AT_A_TIME = 200
/** Redis does nothing else meanwhile. */
const REFILLED_PER_CALL_MAX = 32

/**
 * Administration of a ledger in Redis: load, open, amend and adjust it. A sale of several shards has several, and what
 * is said of a sale here holds for one ledger of it, by its name. Every method throws when Redis does not answer in
 * time.
 */
export class SaleAdmin {
  readonly keys: StockKeys
  readonly moves: Moves
  readonly #redis: RedisClient
  readonly #scripts: Scripts

  constructor(redis: RedisClient, keyPrefix: string) {
    this.keys = new StockKeys(keyPrefix)
    this.moves = new Moves(redis, keyPrefix)
    this.#redis = redis
    this.#scripts = scriptsOn(redis)
  }

  /**
   * Loads a sale as closed; STALE when Redis has it under a newer epoch, or open under this one.
   * @param holderUnits units that the holders' bits are to be laid out for, when these are not the total
   */
  async close(sale: ClosedSale, holderUnits?: number): Promise<'CLOSED' | 'STALE'> {
    // Listed first: a listed sale without data is ignored, data that is not listed would never be sold.
    await this.#redis.zremrangebyscore(this.keys.sales(), '-inf', Date.now())
    await this.#redis.zadd(this.keys.sales(), sale.closesAtMs + KEPT_AFTER_END_MS, sale.saleId)
    return this.#scripts.close({
      keys: [this.keys.sale(sale.saleId), this.keys.blacklist(sale.saleId)],
      args: [sale.epoch, sale.closesAtMs + KEPT_AFTER_END_MS],
      items: [
        ...fieldsOf(sale),
        { args: ['total', sale.total] },
        ...(holderUnits === undefined ? [] : [{ args: ['holder_units', holderUnits] }]),
      ],
    })
  }

  /**
   * Takes an open shard over into the next epoch of its sale, in which those shards are rebuilt; STALE when it is not
   * open under the epoch it was found under.
   */
  async adopt(ledger: string, epoch: number, found: number, rebuilt: number[]): Promise<'ADOPTED' | 'STALE'> {
    return this.#scripts.adopt({
      keys: [this.keys.sale(ledger)],
      args: [epoch, found, await this.#runIdOf(ledger), rebuilt.join(' ')],
    })
  }

  /** Lists open sales that are not listed: in a cluster the list is on one server, which may have lost it alone. */
  async list(sales: Pick<ClosedSale, 'saleId' | 'shards' | 'closesAtMs'>[]): Promise<void> {
    const entries = sales.flatMap(({ saleId, shards, closesAtMs }) =>
      ledgersOf(saleId, shards).flatMap((ledger) => [closesAtMs + KEPT_AFTER_END_MS, ledger]),
    )
    if (entries.length > 0) await this.#redis.zadd(this.keys.sales(), 'NX', ...entries)
  }

  /** Fills in the blacklist of a closed sale. */
  async fillBlacklist(saleId: string, buyerIds: string[]): Promise<void> {
    // In pieces: the arguments of one call stand on the stack, and 100,000 of them do not fit.
    for (const some of slicesOf(buyerIds, BLACKLIST_PIECE)) await this.#redis.sadd(this.keys.blacklist(saleId), ...some)
  }

  /** Writes the decided reservations of a closed sale; STALE when it is not closed under this epoch any more. */
  async refill(
    { saleId, epoch, total }: ClosedSale,
    reservations: DecidedReservation[],
  ): Promise<'REFILLED' | 'STALE'> {
    const [holderUnits, closedWith] = await this.#redis.hmget(this.keys.sale(saleId), 'holder_units', 'total')
    const units = Number(holderUnits ?? closedWith ?? total)
    for (const some of slicesOf(reservations, REFILLED_PER_CALL_MAX)) {
      const answer = await this.#scripts.refill({
        keys: [this.keys.sale(saleId), this.keys.book(saleId), this.keys.undecided(saleId), this.keys.holders(saleId)],
        args: [epoch],
        items: some.map(
          ({
            reservationId,
            buyerId,
            status,
            reason,
            orderId,
            quantity,
            reservedAtMs,
            lapsedAtMs,
            key,
            couponCode,
            points,
          }) => ({
            args: [
              localId(reservationId),
              buyerId,
              status,
              reason ?? '',
              orderId ?? '',
              holderBit(buyerId, units),
              quantity,
              lapsedAtMs === null ? reservedAtMs : `${reservedAtMs}\t\t${lapsedAtMs}`,
              key ?? '',
              wishesText(wishesOf(couponCode, points)),
            ],
          }),
        ),
      })
      if (answer === 'STALE') return 'STALE'
    }
    return 'REFILLED'
  }

  /**
   * Opens a closed sale with that many units left, of that total when it may have changed since; STALE when
   * it is open already or closed under another epoch.
   */
  async open(saleId: string, epoch: number, left: number, total?: number): Promise<'OPEN' | 'STALE'> {
    const answer = await this.#scripts.open({
      keys: [this.keys.sale(saleId), this.keys.blacklist(saleId)],
      args: [epoch, left, total ?? '', await this.#runIdOf(saleId)],
    })
    await this.#announce(saleId)
    return answer
  }

  /** Whether buyers can reserve; LOST with epoch 0 when Redis has nothing of it. */
  async read(saleId: string): Promise<SaleState> {
    const [[epoch, runId, refilled], serverRun] = await Promise.all([
      this.#redis.hmget(this.keys.sale(saleId), 'epoch', 'run_id', 'refilled'),
      this.#runIdOf(saleId),
    ])
    const state = runId === serverRun ? 'OPEN' : runId === '' ? 'CLOSED' : 'LOST'
    return { state, epoch: Number(epoch ?? 0), refilled: Number(refilled ?? 0) }
  }

  /** Of all shards of a sale together. Undefined unless they are open under that epoch. */
  async readTally(saleId: string, epoch: number, shards = 1): Promise<StockTally | undefined> {
    const names = ledgersOf(saleId, shards)
    const ledgers = await readLedgers<[undecided: number, blacklisted: number]>(
      this.#redis,
      this.keys,
      names,
      (reading, ledger) => reading.zcard(this.keys.undecided(ledger)).scard(this.keys.blacklist(ledger)),
    )
    const hashes = ledgers.map(([hash]) => hash)
    const figures = saleFigures(saleId, hashes)
    if (figures?.epoch !== epoch || !(await areOpen(this.#redis, this.keys, names, hashes))) return undefined
    const undecided = ledgers.reduce((sum, [, count]) => sum + count, 0)
    return {
      left: figures.left,
      stocks: hashes.map(({ stock }) => Number(stock)),
      moves: movesIn(hashes),
      undecidedMax: undecided * (figures.largestQuantity ?? 0),
      blacklisted: ledgers.map(([, , count]) => count),
      figures,
    }
  }

  /** The units of a ledger: those that were sold included, those left, and those that the holders' bits are for. */
  async readUnits(ledger: string): Promise<{ epoch: number; total: number; left: number; holderUnits: number }> {
    const fields = ['epoch', 'total', 'stock', 'holder_units'] as const
    const [epoch, total, left, holderUnits] = await this.#redis.hmget(this.keys.sale(ledger), ...fields)
    const units = Number(total ?? 0)
    return {
      epoch: Number(epoch ?? 0),
      total: units,
      left: Number(left ?? 0),
      holderUnits: Number(holderUnits ?? units),
    }
  }

  /**
   * What open ledgers of a sale hold, each of one instant; undefined unless all of them are open under that epoch.
   */
  async readHeld(ledgers: string[], epoch: number): Promise<HeldUnits | undefined> {
    return readHeld(this.#redis, this.keys, ledgers, epoch)
  }

  /** Moves the units left of an open sale, never below none. @returns by how many they were moved. */
  async adjust(saleId: string, epoch: number, units: number): Promise<number> {
    return this.#scripts.adjust({
      keys: [this.keys.sale(saleId)],
      args: [epoch, await this.#runIdOf(saleId), units, this.keys.changes(), saleId],
    })
  }

  /** Takes units out of an open sale, all or none. @returns whether so many were left */
  async withdraw(ledger: string, epoch: number, units: number): Promise<boolean> {
    const args = [epoch, await this.#runIdOf(ledger), units]
    return (await this.#scripts.withdraw({ keys: [this.keys.sale(ledger)], args })) === 1
  }

  /**
   * Brings the figures of a loaded sale in line: window, title, price, limit per buyer, stock, whether it is
   * stopped, and the rules of its opening.
   */
  async amend(sale: ClosedSale): Promise<void> {
    const { saleId, epoch, total, closesAtMs } = sale
    await this.#redis.zadd(this.keys.sales(), 'XX', 'GT', closesAtMs + KEPT_AFTER_END_MS, saleId)
    await this.#scripts.amend({
      keys: [
        this.keys.sale(saleId),
        this.keys.blacklist(saleId),
        this.keys.book(saleId),
        this.keys.pending(saleId),
        this.keys.undecided(saleId),
        this.keys.holders(saleId),
        this.keys.orders(saleId),
      ],
      args: [epoch, closesAtMs + KEPT_AFTER_END_MS, total, this.keys.changes(), saleId],
      items: fieldsOf(sale),
    })
    await this.#announce(saleId)
  }

  #runIdOf(ledger: string): Promise<string> {
    return serverRunId(this.#redis, this.keys.sale(ledger))
  }

  /** So that gateways read the sale again within a second; a message that is lost costs them minutes. */
  async #announce(saleId: string): Promise<void> {
    await this.#redis.publish(this.keys.changes(), `AMENDED ${saleId}`).catch(() => {})
  }

  /** Notes that an open sale agrees with the database now. */
  async noteReconciled(saleId: string, epoch: number): Promise<void> {
    await this.#scripts.reconciled({
      keys: [this.keys.sale(saleId)],
      args: [epoch, await this.#runIdOf(saleId)],
    })
  }

  /** Puts buyers on the blacklist of a loaded sale, or takes them off. */
  async setBlacklisted(saleId: string, buyerIds: string[], listed: boolean): Promise<void> {
    for (const some of slicesOf(buyerIds, BLACKLISTED_PER_CALL_MAX)) {
      await this.#scripts.blacklist({
        keys: [this.keys.sale(saleId), this.keys.blacklist(saleId)],
        args: [listed ? 'LIST' : 'UNLIST'],
        items: some.map((buyerId) => ({ args: [buyerId] })),
      })
    }
  }

  /** The same in many ledgers, some at a time: one round trip for each would take a minute for a thousand. */
  async setBlacklistedIn(ledgers: string[], buyerIds: string[], listed: boolean): Promise<void> {
    for (const some of slicesOf(ledgers, LEDGERS_AT_A_TIME))
      await Promise.all(some.map((ledger) => this.setBlacklisted(ledger, buyerIds, listed)))
  }

  /** Compares a sale's blacklist in Redis with the one that PostgreSQL has. */
  async compareBlacklist(saleId: string, listed: string[]): Promise<BlacklistDifference> {
    return compareBlacklist(this.#redis, this.keys.blacklist(saleId), listed)
  }
}

/** Fields of the sale's hash that may be changed while it sells; the total moves with the units left. */
function fieldsOf(sale: ClosedSale): NonNullable<Call['items']> {
  return [
    { args: ['title', sale.title] },
    { args: ['price_cents', sale.priceCents] },
    { args: ['per_buyer_limit', sale.perBuyerLimit] },
    ...(sale.shards === undefined ? [] : [{ args: ['shards', sale.shards] }]),
    { args: ['opens_at_ms', sale.opensAtMs] },
    { args: ['closes_at_ms', sale.closesAtMs] },
    { args: ['stopped', sale.isStopped ? 1 : 0] },
    { args: ['opening', sale.opening ? JSON.stringify(sale.opening) : ''] },
    { args: ['seed_hash', sale.seedHash ?? ''] },
    { args: ['terms', sale.terms ?? ''] },
  ]
}
