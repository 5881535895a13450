import { expect, test } from 'vitest'
import { history } from '../../test/support/subscriptions.ts'
import { UnreadableMessage } from './messages.ts'
import { readIncoming } from './set-aside.ts'

const read = (message: object) => readIncoming(Buffer.from(JSON.stringify(message))).items[0]
const [event] = history(['order.created'], { couponCode: 'TEN' })
if (!event) throw new Error('expected an event')
const { points: _, ...rest } = event
const old = { ...rest, v: 2 }

test('an event of version 2 is read as one that spends no points, also when it was held back', () => {
  expect(read(old)).toEqual({ isKnown: true, event: { ...event, points: 0 }, heldTimes: 0 })
  expect(read({ heldTimes: 3, event: old })).toEqual({ isKnown: true, event: { ...event, points: 0 }, heldTimes: 3 })
})

test('an event of a version that is older or newer is not known', () => {
  for (const v of [1, 4]) expect(read({ ...event, v })).toMatchObject({ isKnown: false })
})

test('what is of no version, or not of the one that it names, is unreadable', () => {
  for (const message of [
    { ...old, v: 3 },
    { ...event, v: 2, couponCode: 7 },
    { heldTimes: 1, event: { ...old, v: 1 } },
    {},
  ])
    expect(() => read(message)).toThrow(UnreadableMessage)
})
