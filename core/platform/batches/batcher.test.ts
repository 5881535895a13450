import { expect, test } from 'vitest'
import { eventually } from '../../../test/support/eventually.ts'
import { Batcher } from './batcher.ts'

/** A batcher whose batches end on command, and the items of each. */
function controlled(itemsMax: number, batchesMax: number) {
  const runs: { items: number[]; end: (outcomes: string[]) => void; fail: (error: Error) => void }[] = []
  const batcher = new Batcher<number, string>({
    itemsMax,
    batchesMax,
    run: (items) =>
      new Promise((resolve, reject) => {
        runs.push({ items, end: resolve, fail: reject })
      }),
  })
  const given = () => runs.map(({ items }) => items)
  return { batcher, runs, given }
}
const outcomesOf = (items: number[]) => items.map((item) => `done ${item}`)

test('items of one turn share a batch, in their order, and each gets its own outcome', async () => {
  const { batcher, runs, given } = controlled(10, 1)
  const answers = [1, 2, 3].map((item) => batcher.add(item))
  await eventually('a run', given, ({ length }) => length === 1)
  runs[0]?.end(outcomesOf([1, 2, 3]))
  expect(await Promise.all(answers)).toEqual(outcomesOf([1, 2, 3]))
  expect(given()).toEqual([[1, 2, 3]])
})

test('batches in flight and items of a batch are bounded, and the rest follows', async () => {
  const { batcher, runs, given } = controlled(2, 2)
  const answers = Promise.all([1, 2, 3, 4, 5].map((item) => batcher.add(item)))
  await eventually('two runs', given, ({ length }) => length === 2)
  expect(given()).toEqual([
    [1, 2],
    [3, 4],
  ])
  runs[1]?.end(outcomesOf([3, 4]))
  await eventually('a third', given, ({ length }) => length === 3)
  runs[0]?.end(outcomesOf([1, 2]))
  runs[2]?.end(outcomesOf([5]))
  expect(await answers).toEqual(outcomesOf([1, 2, 3, 4, 5]))
})

test('a batch that fails rejects all of its items and no others', async () => {
  const { batcher, runs, given } = controlled(2, 1)
  const answers = Promise.allSettled([1, 2, 3].map((item) => batcher.add(item)))
  await eventually('a run', given, ({ length }) => length === 1)
  runs[0]?.fail(new Error('cut off'))
  await eventually('the next', given, ({ length }) => length === 2)
  runs[1]?.end(outcomesOf([3]))
  expect((await answers).map((answer) => answer.status)).toEqual(['rejected', 'rejected', 'fulfilled'])
})

test('an item that cannot be done does not take its neighbours along, and an outage is no such item', async () => {
  const runs: number[][] = []
  const batcher = new Batcher<number, string>({
    itemsMax: 10,
    batchesMax: 1,
    run(items) {
      runs.push(items)
      if (items.includes(13)) return Promise.reject(new Error('poisonous'))
      if (items.includes(99)) return Promise.reject(new Error('away'))
      return Promise.resolve(outcomesOf(items))
    },
    isOfOneItem: (error) => (error as Error).message === 'poisonous',
  })
  const add = (items: number[]) => Promise.allSettled(items.map((item) => batcher.add(item)))
  const rejected = { status: 'rejected' }
  expect(await add([1, 13, 2])).toMatchObject([{ value: 'done 1' }, rejected, { value: 'done 2' }])
  expect(await add([3, 99])).toMatchObject([rejected, rejected])
  expect(await add([13])).toMatchObject([rejected])
  expect(runs).toEqual([[1, 13, 2], [1], [13], [2], [3, 99], [13]])
})

test('an item without an outcome is rejected and does not wait forever', async () => {
  const { batcher, runs, given } = controlled(2, 1)
  const answers = Promise.allSettled([1, 2].map((item) => batcher.add(item)))
  await eventually('a run', given, ({ length }) => length === 1)
  runs[0]?.end(['done 1'])
  expect(await answers).toMatchObject([{ value: 'done 1' }, { reason: new Error('expected 2 outcomes, got 1') }])
})
