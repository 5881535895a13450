import { expect, test } from 'vitest'
import { eventSpan, readTraceparent, rootOf, traceIdOf, traceparentOf } from './trace-context.ts'

const RESERVATION = `sale.3.${Buffer.from('00112233445566778899aabbccddeeff', 'hex').toString('base64url')}`
const EVENT = 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee'

test("a reservation's random bits are its trace, and every event's span belongs to it", () => {
  expect(rootOf(RESERVATION)).toEqual({ traceId: '00112233445566778899aabbccddeeff', spanId: '0011223344556677' })
  expect(traceparentOf(eventSpan({ reservationId: RESERVATION, eventId: EVENT }))).toBe(
    '00-00112233445566778899aabbccddeeff-aaaaaaaabbbb4ccc-01',
  )
})

test('an id without 128 random bits has a trace, too, and always the same', () => {
  for (const id of ['sale.1', `sale.${EVENT}`, 'x']) {
    expect(traceIdOf(id)).toMatch(/^[\da-f]{32}$/)
    expect(traceIdOf(id)).toBe(traceIdOf(id))
  }
  expect(traceIdOf('sale.1')).not.toBe(traceIdOf('other.1'))
})

test('of the header traceparent only a valid one counts', () => {
  const context = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) }
  expect(readTraceparent(traceparentOf(context))).toEqual(context)
  expect(readTraceparent(`cc-${context.traceId}-${context.spanId}-00-what-comes-later`)).toEqual(context)
  for (const header of [
    undefined,
    '',
    ['two', 'headers'],
    `00-${context.traceId}-${context.spanId}`,
    `00-${'0'.repeat(32)}-${context.spanId}-01`,
    `00-${context.traceId}-${'0'.repeat(16)}-01`,
    `00-${'A'.repeat(32)}-${context.spanId}-01`,
    `00-${context.traceId}-${context.spanId}-01x`,
  ])
    expect(readTraceparent(header)).toBeUndefined()
})
