import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { FIRST_LATE_PLACE, numberOf, numberOfPlace, placeOfNumber, seedHashOf } from './order.ts'

test('the order can be computed again from the published seed and the ids, with any SHA-256', () => {
  const seed = 'a3'.repeat(30)
  const digest = createHash('sha256').update(`${seed} ann`).digest('hex')
  expect(digest.startsWith(numberOf(seed, 'ann'))).toBe(true)
  expect(seedHashOf(seed)).toBe(createHash('sha256').update(seed).digest('hex'))
})

test('a number and its place say the same, and every number stands in front of those who come later', () => {
  const numbers = Array.from({ length: 1_000 }, (_, i) => numberOf('seed', `buyer ${i}`))
  expect(numbers.map((number) => numberOfPlace(placeOfNumber(number)))).toEqual(numbers)
  expect(placeOfNumber('f'.repeat(13))).toBe(FIRST_LATE_PLACE - 1)
  expect(numberOfPlace(FIRST_LATE_PLACE)).toBeUndefined()
  expect(Number.isSafeInteger(FIRST_LATE_PLACE + 1_000_000)).toBe(true)
})

test('another seed gives another order, of the same people', () => {
  const people = Array.from({ length: 100 }, (_, i) => `buyer ${i}`)
  const inOrder = (seed: string) =>
    people.toSorted((one, other) => (numberOf(seed, one) < numberOf(seed, other) ? -1 : 1))
  expect(inOrder('one')).not.toEqual(inOrder('other'))
  expect(inOrder('one').sort()).toEqual(inOrder('other').sort())
})
