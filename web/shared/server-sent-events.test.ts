import { expect, test } from 'vitest'
import { eventParser, type ServerSentEvent } from './server-sent-events.ts'

function parsed(...pieces: string[]): ServerSentEvent[] {
  const events: ServerSentEvent[] = []
  const parse = eventParser((event) => events.push(event))
  for (const piece of pieces) parse(piece)
  return events
}

test('an event is read whole, however it is split into chunks', () => {
  const text = 'retry: 2000\n\nid: 7\nevent: reservation\ndata: {"a":\ndata: 1}\n\n'
  const whole = [{ event: 'reservation', data: '{"a":\n1}' }]
  expect(parsed(text)).toEqual(whole)
  expect(parsed(...text.split(''))).toEqual(whole)
  expect(parsed(text.replaceAll('\n', '\r\n'))).toEqual(whole)
})

test('a heartbeat is no event, and a name holds for one event', () => {
  expect(parsed(': still here\n\nid: 1\nevent: end\ndata:\n\ndata: later\n\n')).toEqual([
    { event: 'end', data: '' },
    { event: 'message', data: 'later' },
  ])
})

test('what has not ended yet is not told', () => {
  expect(parsed('data: half')).toEqual([])
  expect(parsed('data: half\n')).toEqual([])
})
