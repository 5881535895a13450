import { expect, test } from 'vitest'
import { limitsOfShard } from './reserving.ts'

const limits = {
  buyer: { ratePerSecond: 5, burst: 10 },
  address: { ratePerSecond: 80, burst: 160 },
  sale: { ratePerSecond: 1_000, burst: 4 },
  maxPending: 10_000,
  patienceMs: 1_000,
}

test('the shards of a sale share the limits of its buyers, of an address and of what waits for the broker', () => {
  expect(limitsOfShard(limits, 1)).toEqual(limits)
  expect(limitsOfShard(limits, 8)).toEqual({
    ...limits,
    address: { ratePerSecond: 10, burst: 20 },
    sale: { ratePerSecond: 125, burst: 1 },
    maxPending: 1_250,
  })
})

test('one buyer behind an address may spend their own limit in their shard, and no more than the address', () => {
  expect(limitsOfShard(limits, 64).address).toEqual(limits.buyer)
  const strict = { ratePerSecond: 1, burst: 2 }
  expect(limitsOfShard({ ...limits, address: strict }, 64).address).toEqual(strict)
})
