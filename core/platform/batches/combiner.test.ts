import { expect, test } from 'vitest'
import { eventually } from '../../../test/support/eventually.ts'
import { Combiner } from './combiner.ts'

/** A combiner whose runs end when told to, and what each of them was given. */
function controlled(togetherMax: number, runsMax: number) {
  const runs: { items: number[]; end: (outcomes: string[]) => void; fail: (error: Error) => void }[] = []
  const combiner = new Combiner<number, string>({
    togetherMax,
    runsMax,
    run: (items) =>
      new Promise((resolve, reject) => {
        runs.push({ items, end: resolve, fail: reject })
      }),
  })
  const given = () => runs.map(({ items }) => items)
  return { combiner, runs, given }
}
const outcomesOf = (items: number[]) => items.map((item) => `done ${item}`)

test('what is asked for together runs together, in its order, and each hears of its own', async () => {
  const { combiner, runs, given } = controlled(10, 1)
  const answers = [1, 2, 3].map((item) => combiner.add(item))
  await eventually('a run', given, ({ length }) => length === 1)
  runs[0]?.end(outcomesOf([1, 2, 3]))
  expect(await Promise.all(answers)).toEqual(outcomesOf([1, 2, 3]))
  expect(given()).toEqual([[1, 2, 3]])
})

test('no more runs than allowed are under way, none takes more than allowed, and the rest follows', async () => {
  const { combiner, runs, given } = controlled(2, 2)
  const answers = Promise.all([1, 2, 3, 4, 5].map((item) => combiner.add(item)))
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

test('a run that fails fails for all of its items and for no others', async () => {
  const { combiner, runs, given } = controlled(2, 1)
  const answers = Promise.allSettled([1, 2, 3].map((item) => combiner.add(item)))
  await eventually('a run', given, ({ length }) => length === 1)
  runs[0]?.fail(new Error('cut off'))
  await eventually('the next', given, ({ length }) => length === 2)
  runs[1]?.end(outcomesOf([3]))
  expect((await answers).map((answer) => answer.status)).toEqual(['rejected', 'rejected', 'fulfilled'])
})

test('an item without an outcome is told so instead of waiting for ever', async () => {
  const { combiner, runs, given } = controlled(2, 1)
  const answers = Promise.allSettled([1, 2].map((item) => combiner.add(item)))
  await eventually('a run', given, ({ length }) => length === 1)
  runs[0]?.end(['done 1'])
  expect(await answers).toMatchObject([{ value: 'done 1' }, { reason: new Error('expected 2 outcomes, got 1') }])
})
