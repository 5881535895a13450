import { expect, test } from 'vitest'
import { type Figure, judgement, median, read } from './figures.ts'

const more: Figure = { id: 'a', section: 'ratios', label: 'a', of: () => 0, target: 2 }
const less: Figure = { ...more, section: 'milliseconds', target: 50 }

test('the median is the middle round, or the mean of the two in the middle', () => {
  expect(median([9, 1, 5])).toBe(5)
  expect(median([4, 1, 2, 100])).toBe(3)
})

test('a figure is held against its target by its median', () => {
  expect(read(more, [1, 3, 9]).verdict).toBe('met')
  expect(read(more, [1, 1.9, 9]).verdict).toBe('missed')
  expect(read(less, [60]).verdict).toBe('missed')
  expect(read(less, [50]).verdict).toBe('met')
})

test('two runs differ when no round of the one reaches into the other', () => {
  expect(judgement(read(more, [1, 2, 3]), read(more, [3.1, 4, 5]))).toBe('BETTER')
  expect(judgement(read(less, [1, 2, 3]), read(less, [3.1, 4, 5]))).toBe('WORSE')
  expect(judgement(read(more, [1, 2, 3]), read(more, [2.9, 4, 5]))).toBe('within the spread')
  expect(judgement(read(more, [1]), read(more, [5]))).toBe('one round only')
})
