import { randomUUID } from 'node:crypto'
import type { RedisClient } from '../platform/stores/redis.ts'
import { failpoint } from '../platform/process/failpoint.ts'
import { StockKeys } from './keys.ts'
import { areOpen, readHashes } from './read-ledgers.ts'
import { type Move, movesIn, saleFigures, type SaleFigures } from './sale-figures.ts'
import { type Scripts, scriptsOn } from './scripts.ts'
import { serverRunId } from './server-run.ts'
import { ledgerName, ledgersOf } from './shards.ts'

/** A sale's shards, under the epoch in which units may be moved. */
export type Sharded = Pick<SaleFigures, 'saleId' | 'epoch' | 'shards'>

/** The shards of a sale, of one instant. */
export interface ShardStocks {
  /** Units left in each. */
  stocks: number[]
  /** Units left in all, those under way included. */
  left: number
  /** Moves that are not completed: under way, or left behind by a process that has died. */
  moves: Move[]
}

/**
 * Moves units between the shards of a sale. They leave the one first and arrive in the other second, each in one
 * script; after a crash in between they are missing until any process completes the move. Every method throws when
 * Redis does not answer.
 */
export class Moves {
  readonly #keys: StockKeys
  readonly #redis: RedisClient
  readonly #scripts: Scripts

  constructor(redis: RedisClient, keyPrefix: string) {
    this.#keys = new StockKeys(keyPrefix)
    this.#redis = redis
    this.#scripts = scriptsOn(redis)
  }

  /** Undefined unless all shards are open under that epoch. */
  async read({ saleId, epoch, shards = 1 }: Sharded): Promise<ShardStocks | undefined> {
    const names = ledgersOf(saleId, shards)
    const hashes = await readHashes(this.#redis, this.#keys, names)
    const figures = saleFigures(saleId, hashes)
    if (figures?.epoch !== epoch || !(await areOpen(this.#redis, this.#keys, names, hashes))) return undefined
    return { stocks: hashes.map(({ stock }) => Number(stock)), left: figures.left, moves: movesIn(hashes) }
  }

  /**
   * Moves at most `units` from one shard to another; while an earlier move between the two is not completed, that one.
   */
  async move(sale: Sharded, from: number, to: number, units: number): Promise<void> {
    const move = await this.leave(sale, from, to, units)
    failpoint('moving.afterLeave')
    if (move.units > 0) await this.complete(sale, move)
  }

  /** The first step; the units of the move are 0 when there are none. */
  async leave({ saleId, epoch }: Sharded, from: number, to: number, units: number): Promise<Move> {
    const source = this.#keys.sale(ledgerName(saleId, from))
    const [sequence, leaving] = await this.#scripts.leave({
      keys: [source],
      args: [epoch, await serverRunId(this.#redis, source), to, units],
    })
    return { from, to, sequence, units: Number(leaving) }
  }

  /** The other two steps; idempotent, also when several processes do so at once. */
  async complete(sale: Sharded, move: Move): Promise<void> {
    const hasArrived = await this.arrive(sale, move)
    failpoint('moving.afterArrive')
    if (!hasArrived) return
    await this.#scripts.complete({
      keys: [this.#keys.sale(ledgerName(sale.saleId, move.from))],
      args: [sale.epoch, move.to, move.sequence],
    })
  }

  /** False when the sale was closed meanwhile: its rebuild counts the units. */
  async arrive({ saleId, epoch }: Sharded, { from, to, sequence, units }: Move): Promise<boolean> {
    const target = ledgerName(saleId, to)
    const key = this.#keys.sale(target)
    const arrived = await this.#scripts.arrive({
      keys: [key],
      args: [epoch, await serverRunId(this.#redis, key), from, sequence, units, this.#keys.changes(), target],
    })
    return arrived === 1
  }

  /**
   * Takes the turn to move units of a sale; undefined while another process has it.
   * @returns a function that gives it back; it lapses after that time.
   */
  async takeTurn({ saleId }: Sharded, turnMs: number): Promise<(() => Promise<void>) | undefined> {
    const token = randomUUID()
    const call = (forMs: number) => this.#scripts.turn({ keys: [this.#keys.sale(saleId)], args: [token, forMs] })
    if ((await call(turnMs)) === 0) return undefined
    return async () => {
      await call(0)
    }
  }
}
