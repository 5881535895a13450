import type { Guard } from '../guard.ts'

const PROMISES = 'test/subscribers.test.ts'
const IN_ORDER = 'test/subscribers-in-order.test.ts'
const HANDLING = 'subscribers/frame/handle-events.ts'
const TOPOLOGY = 'core/contracts/subscriber-topology.ts'

/** Whoever follows the order topic. */
export const subscriberGuards: Guard[] = [
  {
    rule: 'an event that is in the inbox has no effect again', file: 'core/orders/inbox.ts',
    text: 'return events.filter(({ eventId }) => fresh.delete(eventId))', without: 'return fresh.size < 0 ? [] : events',
    tests: { file: 'subscribers/points.test.ts', named: 'every event delivered three times' },
  },
  {
    rule: 'inbox row and effect commit together', file: HANDLING,
    text: "deps.subscriber.once === 'inbox' ? await deps.database.$transaction(run) : await run(deps.database)", without: 'await run(deps.database)',
    tests: { file: 'test/faults/subscriber-dies.test.ts', named: 'a subscriber is killed between its effect and the ack killed between inbox' },
  },
  {
    rule: 'a message that is marked is not sent again', file: HANDLING,
    text: '    if (await redis.exists(mark)) continue\n', without: '', tests: { file: 'subscribers/sms.test.ts', named: 'a buyer is told' },
  },
  {
    rule: 'an event waits for its predecessor', file: 'core/orders/inbox.ts',
    text: 'sequence > last + 1', without: 'sequence > last + 1_000', tests: { file: PROMISES, named: 'events that come out of their order' },
  },
  {
    rule: 'one process at a time has a partition', file: TOPOLOGY,
    text: "'x-single-active-consumer': true", without: "'x-single-active-consumer': false", tests: { file: IN_ORDER, named: 'the events of one order meet one process' },
  },
  {
    rule: 'the events of one order are in one partition', file: TOPOLOGY,
    text: "{ 'hash-property': 'correlation_id' }", without: '{}', tests: { file: IN_ORDER, named: 'orders are shared out' },
  },
  {
    rule: 'an event of another version is set aside and not thrown away', file: 'core/contracts/set-aside.ts',
    text: "  if (message.v !== ORDER_EVENT_VERSION) return one({ isKnown: false, event: message })\n", without: '',
    tests: { file: PROMISES, named: 'an event of a version' },
  },
  {
    rule: 'what no retry will mend stands in nobody\'s way', file: 'subscribers/frame/run-subscriber.ts',
    text: '!(error instanceof TryAgain || isOutage(error))', without: 'error === undefined', tests: { file: PROMISES, named: 'an event that no retry' },
  },
  {
    rule: 'a subscriber\'s dead letters are its own', file: 'subscribers/frame/run-subscriber.ts',
    text: "    graveyard: { topology: queues.deadLetterTopology, exchange: '', routingKey: queues.deadLetters },\n", without: '',
    tests: { file: PROMISES, named: 'an event that no retry' },
  },
]
