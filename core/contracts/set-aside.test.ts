import { expect, test } from 'vitest'
import { history } from '../../test/support/subscriptions.ts'
import { UnreadableMessage } from './messages.ts'
import { packIncoming, readIncoming } from './set-aside.ts'

const read = (message: object) => readIncoming(Buffer.from(JSON.stringify(message))).items[0]
const [event] = history(['order.created'], { couponCode: 'TEN' })
if (!event) throw new Error('expected an event')
const { points: _, ...incomplete } = event

test('an event of the published version is read in a batch, alone, and when it was held back', () => {
  expect(read({ events: [event, event] })).toEqual({ isKnown: true, event, heldTimes: 0 })
  expect(read(event)).toEqual({ isKnown: true, event, heldTimes: 0 })
  expect(read({ heldTimes: 3, event })).toEqual({ isKnown: true, event, heldTimes: 3 })
})

test('an event of a version that is older or newer is not known, in a batch, alone, and when it was held back', () => {
  for (const other of [event.v - 1, event.v + 1].map((v) => ({ ...event, v })))
    for (const message of [{ events: [other] }, other, { heldTimes: 3, event: other }])
      expect(read(message)).toMatchObject({ isKnown: false, event: other })
})

test('an event of a batch that cannot be read leaves its neighbours readable', () => {
  const newer = { ...event, v: event.v + 1 }
  const batch = Buffer.from(JSON.stringify({ events: [event, incomplete, newer] }))
  const read = readIncoming(batch)
  expect(read).toMatchObject({ isWhole: false, items: [{ event }, { event: newer }], unreadable: [incomplete] })
  expect(JSON.parse(packIncoming([], read.unreadable ?? []).toString())).toEqual({ events: [incomplete] })
})

test('what is of no version, or not of the one that it names, is unreadable', () => {
  for (const message of [
    incomplete,
    { ...event, couponCode: 7 },
    { heldTimes: 1, event: incomplete },
    { events: [incomplete] },
    { events: [] },
    {},
  ])
    expect(() => read(message)).toThrow(UnreadableMessage)
})
