import { expect, test } from 'vitest'
import { holderBit } from './holders.ts'
import { holderUnitsFrom, ledgerForBuyer, ledgersOf, saleOf, shardOf, shareOf, spread } from './shards.ts'
import { type SaleState, stateOfSale } from './sale-state.ts'
import { planBalance, planMoves } from './plan-moves.ts'

const sum = (units: number[]) => units.reduce((total, some) => total + some, 0)
const buyers = Array.from({ length: 8_000 }, (_, i) => `buyer-${i}`)

test('the shard of a buyer never changes: in another one they could buy up to their limit once more', () => {
  const shardsOf = (shards: number) =>
    ['ann', 'bob', 'auth0|64ab', 'bob+vip@example.com'].map((buyerId) => shardOf(buyerId, shards))
  expect(shardsOf(8)).toEqual([1, 5, 7, 3])
  expect(shardsOf(64)).toEqual([12, 47, 57, 24])
})

test('buyers are spread evenly over the shards, and in each over the bits of holders', () => {
  const byShard = Array.from({ length: 8 }, (_, shard) => buyers.filter((buyerId) => shardOf(buyerId, 8) === shard))
  for (const some of byShard) {
    expect(some.length).toBeGreaterThan(850)
    expect(some.length).toBeLessThan(1_150)
    // 1,000 of 1,024 bits at random set 1,024 * (1 - 1 / e) of them.
    expect(new Set(some.map((buyerId) => holderBit(buyerId, 32))).size).toBeGreaterThan(550)
  }
})

test('a sale of one shard has the ledger, and the names, that it would have without shards', () => {
  expect([shardOf('ann'), ledgersOf('s'), ledgerForBuyer({ saleId: 's' }, 'ann')]).toEqual([0, ['s'], 's'])
  expect(ledgersOf('s', 3).map(saleOf)).toEqual(['s', 's', 's'])
  expect(shareOf(7, 1, 0)).toBe(7)
})

test("a lost shard's bits are laid out by a number of units of which the others have their shares, too", () => {
  for (let units = 0; units < 20; units++)
    for (let lost = 0; lost < 4; lost++) {
      const shares = Array.from({ length: 4 }, (_, shard) => ({ shard, units: shareOf(units, 4, shard) }))
      const others = shares.filter(({ shard }) => shard !== lost)
      const laidOut = holderUnitsFrom(others, lost)
      const total = sum(others.map((share) => share.units)) + laidOut
      expect(others.map(({ shard }) => shareOf(total, 4, shard))).toEqual(others.map((share) => share.units))
      expect(shareOf(total, 4, lost)).toBe(laidOut)
    }
})

test.each([
  { units: 100, stocks: [0, 50, 0], after: [34, 83, 33] },
  { units: -10, stocks: [0, 20, 4], after: [0, 10, 4] },
  { units: -21, stocks: [0, 20, 4], after: [0, 2, 1] },
  { units: -24, stocks: [0, 20, 4], after: [0, 0, 0] },
  { units: -27, stocks: [0, 20, 4], after: [-1, -1, -1] },
  { units: -5, stocks: [3], after: [-2] },
])('$units units spread over $stocks make $after', ({ units, stocks, after }) => {
  const changes = spread(units, stocks)
  expect(sum(changes)).toBe(units)
  expect(stocks.map((stock, shard) => stock + (changes[shard] ?? 0))).toEqual(after)
})

/** The stocks after the moves, and what is taken. */
function played(stocks: number[], wants: { shard: number; quantity: number }[]) {
  const { moves, served, left } = planMoves(stocks, wants)
  const after = [...stocks]
  for (const { from, to, units } of moves) {
    after[from] = (after[from] ?? 0) - units
    after[to] = (after[to] ?? 0) + units
    expect(after[from]).toBeGreaterThanOrEqual(0)
  }
  expect(sum(after)).toBe(sum(stocks))
  for (const [i, { shard, quantity }] of wants.entries()) if (served[i]) after[shard] = (after[shard] ?? 0) - quantity
  for (const units of after) expect(units).toBeGreaterThanOrEqual(0)
  expect(sum(after)).toBe(left)
  return { moves, served, left }
}

test('units that are scattered over shards are gathered for one buyer', () => {
  expect(played([0, 1, 1, 1], [{ shard: 0, quantity: 3 }])).toMatchObject({ served: [true], left: 0 })
  expect(played([0, 1, 1], [{ shard: 0, quantity: 3 }])).toEqual({ moves: [], served: [false], left: 2 })
})

test('the last units go to the first who ask, and move once', () => {
  const wants = [0, 1, 2, 3].map((shard) => ({ shard, quantity: 1 }))
  const { moves, served } = played([0, 0, 2, 0], wants)
  expect(served).toEqual([true, true, false, false])
  expect(moves).toEqual([
    { from: 2, to: 0, units: 1 },
    { from: 2, to: 1, units: 1 },
  ])
})

test('a shard with many units gives half of the difference, so that the other draws seldom', () => {
  expect(played([0, 100], [{ shard: 0, quantity: 1 }]).moves).toEqual([{ from: 1, to: 0, units: 50 }])
})

test('however many buyers ask at once, as many are served as there are units for', () => {
  const random = (below: number, seed: number) => ((seed * 48_271) % 2_147_483_647) % below
  for (let seed = 1; seed < 200; seed++) {
    const stocks = Array.from({ length: 8 }, (_, i) => random(6, seed * 31 + i))
    const wants = Array.from({ length: 40 }, (_, i) => ({ shard: random(8, seed + i * 7), quantity: 1 }))
    const { served } = played(stocks, wants)
    expect(served.filter(Boolean)).toHaveLength(Math.min(sum(stocks), wants.length))
  }
})

test('units move without a buyer only to shards that are running low, and not at the end', () => {
  expect(planBalance([2, 100, 100])).toEqual([{ from: 1, to: 0, units: 49 }])
  expect(planBalance([60, 100, 100])).toEqual([])
  expect(planBalance([0, 8, 8])).toEqual([])
})

test('a sale is open when all of its shards are, under one epoch', () => {
  const shard = (state: SaleState['state'], epoch: number) => ({ state, epoch, refilled: 1 })
  expect(stateOfSale([shard('OPEN', 2), shard('OPEN', 2)])).toEqual({ state: 'OPEN', epoch: 2, refilled: 2 })
  expect(stateOfSale([shard('OPEN', 2), shard('CLOSED', 2)])).toMatchObject({ state: 'CLOSED', epoch: 2 })
  expect(stateOfSale([shard('OPEN', 2), shard('LOST', 2)])).toMatchObject({ state: 'LOST', epoch: 2 })
  expect(stateOfSale([shard('OPEN', 2), shard('OPEN', 3)])).toMatchObject({ state: 'LOST', epoch: 3 })
})
