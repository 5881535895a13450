import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { eventually } from './support/eventually.ts'
import { Patience, slowness, stretched } from './support/patience.ts'
import { testFiles } from './tiers.ts'

test('a machine is as slow as usual at least, and a limit is never shorter than it was given', () => {
  expect(slowness()).toBeGreaterThanOrEqual(1)
  expect(stretched(1_000)).toBeGreaterThanOrEqual(1_000)
})

test('patience that was used up is over, and stays so', async () => {
  const patience = new Patience(50)
  await eventually('it to be over', () => patience.isOver, Boolean)
  expect(patience.isOver).toBe(true)
})

test('what does not come is said together with what was seen last', async () => {
  await expect(
    eventually(
      'a miracle',
      () => 'nothing',
      (seen) => seen === 'a miracle',
      50,
    ),
  ).rejects.toThrow(/^Waited \d+ ms for a miracle; last seen: "nothing"$/)
})

test('what reading throws is thrown at once', async () => {
  await expect(
    eventually(
      'anything',
      () => {
        throw new Error('broken')
      },
      () => true,
    ),
  ).rejects.toThrow(/^broken$/)
})

/** They wait for a second by default, on every machine. */
const WAITS_OF_VITEST = /\bvi\.waitFor\(|\bvi\.waitUntil\(|\bexpect\.poll\(/
/** A limit chosen for one test, behind its function. */
const LIMIT_OF_ONE_TEST =
  /^\}, [\d_]+\)$|^  timeout: [\d_]+,$|^(?:before|after)(?:All|Each)\(.*, [\d_]+\)$|\bsetConfig\(/m

test('no test waits by a limit that knows nothing of slow machines', () => {
  const files = testFiles().filter((file) => file !== 'test/patience.test.ts')
  const withText = (pattern: RegExp) => files.filter((file) => pattern.test(readFileSync(file, 'utf8')))
  expect(withText(WAITS_OF_VITEST), 'use eventually() instead').toEqual([])
  expect(withText(LIMIT_OF_ONE_TEST), 'leave it out: test/support/setup.ts sets the limit of all').toEqual([])
})
