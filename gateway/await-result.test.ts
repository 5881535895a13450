import { expect, test } from 'vitest'
import { preferredWait } from './await-result.ts'

test.each([
  ['wait=5', 5],
  ['Wait=7', 7],
  ['wait="9"', 9],
  ['respond-async, wait=3', 3],
  ['wait=4; of=seconds', 4],
  ['wait=2, wait=8', 2],
])('%s asks to wait for %d s', (prefer, seconds) => {
  expect(preferredWait({ prefer })).toBe(seconds)
})

test('a wait is at most 30 s long', () => {
  expect(preferredWait({ prefer: 'wait=31' })).toBe(30)
  expect(preferredWait({ prefer: `wait=${'9'.repeat(400)}` })).toBe(30)
})

test.each([
  '',
  'wait',
  'wait=',
  'wait=-1',
  'wait=0',
  'wait=1.5',
  'wait=soon',
  'waiting=5',
  'await=5',
  'respond-async',
  'return=minimal;wait=5',
])('%j asks for nothing', (prefer) => {
  expect(preferredWait({ prefer })).toBeUndefined()
})

test.each([
  `wait=${' '.repeat(16_000)}"""`,
  `wait${' '.repeat(16_000)}x`,
  `wait=${'1'.repeat(16_000)}x`,
  `${' '.repeat(16_000)}x`,
])('a header that is made to be slow is read to its end', (prefer) => {
  // An expression that goes back and forth is at it for minutes: longer than any test may take.
  expect(preferredWait({ prefer })).toBeUndefined()
})

test('no header asks for nothing', () => {
  expect(preferredWait({})).toBeUndefined()
})
