import { expect, test } from 'vitest'
import { KeyedBuckets } from './keyed-buckets.ts'

const taken = (buckets: KeyedBuckets, ...keys: string[]) => keys.map((key) => buckets.take(key).taken)

test('every key has a bucket of its own, and is told when to retry', () => {
  const buckets = new KeyedBuckets(0.001, 2)
  expect(taken(buckets, 'a', 'a', 'a', 'b')).toEqual([true, true, false, true])
  expect(buckets.take('a')).toEqual({ taken: false, waitMs: expect.closeTo(1_000_000, -4) as unknown })
})

test('only so many are kept: the one that was used least recently is forgotten', () => {
  const buckets = new KeyedBuckets(0.001, 1, 2)
  expect(taken(buckets, 'a', 'b', 'a', 'c')).toEqual([true, true, false, true])
  expect(taken(buckets, 'a', 'b')).toEqual([false, true])
})

test('a token that is given back can be taken again, and never makes more than the burst', () => {
  const buckets = new KeyedBuckets(0.001, 2)
  buckets.giveBack('a')
  expect(taken(buckets, 'a', 'a', 'a')).toEqual([true, true, false])
  buckets.giveBack('a')
  expect(taken(buckets, 'a', 'a')).toEqual([true, false])
})
