import { expect, test } from 'vitest'
import { findLabs, labsCalled } from './find-labs.ts'

const labs = await findLabs()

test.each([
  ['4', ['04-locks']],
  ['04-locks', ['04-locks']],
  ['locks', ['04-locks']],
  ['break', ['05-break-it']],
  ['1', ['01-why-a-queue']],
  ['w', ['01-why-a-queue', '09-which-broker', '10-what-survives', '11-write-one']],
  ['lock-free', []],
])('a reader who asks for "%s" means %j', (asked, ids) => {
  expect(labsCalled(asked, labs).map(({ id }) => id)).toEqual(ids)
})
