import { expect, test } from 'vitest'
import { history } from '../../test/support/subscriptions.ts'
import { UnreadableMessage } from './messages.ts'
import { readIncoming } from './set-aside.ts'

const read = (message: object) => readIncoming(Buffer.from(JSON.stringify(message))).items[0]
const [event] = history(['order.created'], { couponCode: 'TEN' })
if (!event) throw new Error('expected an event')
const { points: _, ...incomplete } = event

test('an event of the published version is read, also when it was held back', () => {
  expect(read(event)).toEqual({ isKnown: true, event, heldTimes: 0 })
  expect(read({ heldTimes: 3, event })).toEqual({ isKnown: true, event, heldTimes: 3 })
})

test('an event of a version that is older or newer is not known', () => {
  for (const v of [event.v - 1, event.v + 1]) expect(read({ ...event, v })).toMatchObject({ isKnown: false })
})

test('what is of no version, or not of the one that it names, is unreadable', () => {
  for (const message of [
    incomplete,
    { ...event, couponCode: 7 },
    { heldTimes: 1, event: { ...event, v: event.v - 1 } },
    {},
  ])
    expect(() => read(message)).toThrow(UnreadableMessage)
})
