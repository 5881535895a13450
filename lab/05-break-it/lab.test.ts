import { expect, test } from 'vitest'
import type { Entry } from './entry.ts'
import { judge } from './judge.ts'

const at = Date.UTC(2026, 0, 1, 12, 0, 3)
const entry = (what: Entry['what'], more: Partial<Entry> = {}): Entry => ({
  fault: 'broker-gone',
  what,
  at,
  ...(what !== 'AUDIT' && { buyer: 'buyer-1', reservation: 'sale.r1' }),
  ...more,
})
const [told, ordered] = [entry('TOLD'), entry('ENDED', { status: 'ORDERED' })]

test('a buyer who was told yes and has no order is named, whichever rule was off', () => {
  expect(judge([told, ordered])).toMatchObject({ holds: true, figures: { 'broker-gone': 0 } })
  expect(judge([told, entry('ENDED', { status: 'RESERVED' })])).toMatchObject({
    holds: false,
    figures: { 'broker-gone': 1 },
    says: { en: 'buyer buyer-1 was told yes at 12:00:03.000; no order exists, reservation sale.r1 is RESERVED' },
  })
})

test('a buyer who was told that Redis had lost it is answered, and counted', () => {
  const { holds, says } = judge([told, entry('ENDED', { status: 'REJECTED', reason: 'EXPIRED' })])
  expect([holds, says.en]).toEqual([true, expect.stringContaining('but for 1 who were told')])
})

test('the line of the audit that names a unit comes first, with the first of several names', () => {
  const sum = entry('AUDIT', { rule: 'every unit accounted for', detail: '2 units are lost' })
  const ids = ['1', '2'].map((id) => `0fb06fa9-${id.repeat(27)}`)
  const named = entry('AUDIT', {
    rule: 'every history legal',
    detail: `2 orders both paid and cancelled: ${ids.join(', ')}`,
  })
  expect(judge([told, ordered, sum, named])).toMatchObject({
    holds: false,
    figures: { 'broker-gone': 2 },
    says: { en: expect.stringMatching(/"every history legal" does not get green: .*: 0fb06fa9-1+, …$/) as string },
  })
})
