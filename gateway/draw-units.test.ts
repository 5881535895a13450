import { afterEach, expect, test, vi } from 'vitest'
import type { Moves } from '../core/stock/moves.ts'
import type { ReserveOutcome } from '../core/stock/reserving.ts'
import type { SaleFigures } from '../core/stock/sale-figures.ts'
import { shardOf } from '../core/stock/shards.ts'
import { drawWhenDry } from './draw-units.ts'

const sale = { saleId: 's', epoch: 1, total: 9, left: 9, shards: 4, perBuyerLimit: 9 } as SaleFigures
/** One for each shard but the last, which has all units. */
const buyers = [0, 1, 2].map((shard) => {
  const buyerId = Array.from({ length: 99 }, (_, i) => `b${i}`).find((id) => shardOf(id, 4) === shard) ?? ''
  return { reservationId: `s.${buyerId}`, buyerId, address: '', quantity: 1, limitPerBuyer: 9 }
})
const RESERVED = { status: 'RESERVED', reservedAtMs: 1, pendingEntry: '1' } as const

afterEach(() => vi.restoreAllMocks())

/** Shards whose moves take that long by the clock of this process. */
function fakeShards(moveMs: number, giveBack = () => Promise.resolve()) {
  let nowMs = 0
  vi.spyOn(performance, 'now').mockImplementation(() => nowMs)
  const stocks = [0, 0, 0, 9]
  const done: number[][] = []
  const moves = {
    read: () =>
      Promise.resolve({ stocks: [...stocks], left: stocks.reduce((sum, units) => sum + units, 0), moves: [] }),
    takeTurn: () => Promise.resolve(giveBack),
    move: (_sale: unknown, from: number, to: number, units: number) => {
      nowMs += moveMs
      stocks[from] = (stocks[from] ?? 0) - units
      stocks[to] = (stocks[to] ?? 0) + units
      done.push([from, to])
      return Promise.resolve()
    },
  } as unknown as Moves
  const reserve = (_sale: unknown, { buyerId }: { buyerId: string }): Promise<ReserveOutcome> => {
    const shard = shardOf(buyerId, 4)
    const units = stocks[shard] ?? 0
    if (units === 0) return Promise.resolve({ status: 'SOLD_OUT', left: 0 })
    stocks[shard] = units - 1
    return Promise.resolve(RESERVED)
  }
  return { done, draw: drawWhenDry(reserve, moves) }
}

test('when moves take longer than a turn, each moves units for one buyer at least, and others ask again', async () => {
  const { done, draw } = fakeShards(1_500)
  const outcomes = await Promise.all(buyers.map((buyer) => draw(sale, buyer)))
  expect(done).toHaveLength(2)
  expect(outcomes.map(({ status }) => status)).toEqual(['RESERVED', 'RESERVED', 'BUSY'])
})

test('buyers get what they reserved when the turn could not be given back', async () => {
  const { draw } = fakeShards(1, () => Promise.reject(new Error('Command timed out')))
  expect(await Promise.all(buyers.map((buyer) => draw(sale, buyer)))).toEqual([RESERVED, RESERVED, RESERVED])
})
