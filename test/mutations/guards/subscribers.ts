import type { Guard } from '../guard.ts'

const PROMISES = 'test/subscribers.test.ts'
const SHARED = 'test/subscribers-shared.test.ts'
const SPREAD = 'test/subscribers-spread.long.test.ts'
const FORGET = 'core/orders/forget.test.ts'
const BATCHES = 'test/subscribers-batches.test.ts'
const IN_ORDER = 'test/subscribers-in-order.test.ts'
const HANDLING = 'subscribers/runtime/handle-events.ts'
const TOPOLOGY = 'core/contracts/subscriber-topology.ts'

/** Subscribers of the order topic. */
export const subscriberGuards: Guard[] = [
  {
    rule: 'an event that is in the inbox has no second effect',
    file: 'core/orders/inbox.ts',
    text: 'return events.filter(({ eventId }) => fresh.delete(eventId))',
    without: 'return fresh.size < 0 ? [] : events',
    tests: { file: 'subscribers/points.test.ts', named: 'every event delivered three times' },
  },
  {
    rule: 'inbox row and effect commit together',
    file: HANDLING,
    text: 'database.$transaction((tx) => handleStrong(tx, subscriber, deps, events))',
    without: 'handleStrong(database, subscriber, deps, events)',
    tests: {
      file: 'test/faults/subscriber-dies.long.test.ts',
      named: 'a subscriber is killed between its effect and the ack killed between inbox',
    },
  },
  {
    rule: 'a message with a mark in Redis is not sent again',
    file: HANDLING,
    text: '[...byMark].filter((_, i) => found[i] === null)',
    without: '[...byMark].filter((_, i) => found[i] !== undefined)',
    tests: { file: 'subscribers/sms.test.ts', named: 'a buyer is told' },
  },
  {
    rule: 'a full partition refuses and drops nothing',
    file: TOPOLOGY,
    text: "...boundOf(BACKLOG_BOUND),\n    'x-overflow': 'reject-publish'",
    without: "...boundOf(BACKLOG_BOUND),\n    'x-overflow': 'drop-head'",
    tests: { file: PROMISES, named: 'a subscriber whose partition is full' },
  },
  {
    rule: 'an event that is sent back to no partition stays parked',
    file: 'core/dead-letters/queue.ts',
    text: "if (outcome === 'CONFIRMED') return 'REMOVE'",
    without: "if (outcome !== 'UNKNOWN') return 'REMOVE'",
    tests: { file: PROMISES, named: 'sending back to partitions that are gone' },
  },
  {
    rule: 'an event waits for its predecessor',
    file: 'core/orders/inbox.ts',
    text: 'sequence > last + 1',
    without: 'sequence > last + 1_000',
    tests: { file: PROMISES, named: 'events that come out of their order' },
  },
  {
    rule: 'a partition has one consumer at a time',
    file: TOPOLOGY,
    text: "'x-single-active-consumer': true",
    without: "'x-single-active-consumer': false",
    tests: { file: IN_ORDER, named: 'the events of one order meet one process' },
  },
  {
    rule: 'the events of one order are in one partition',
    file: TOPOLOGY,
    text: "arguments: { 'hash-property': 'correlation_id' }",
    without: 'arguments: {}',
    tests: { file: IN_ORDER, named: 'orders are shared out' },
  },
  {
    rule: 'an event of another version is set aside and not dropped',
    file: 'core/contracts/set-aside.ts',
    text: 'else if (versioned && versioned.v !== ORDER_EVENT_VERSION)',
    without: 'else if (versioned && versioned.v < 0)',
    tests: { file: PROMISES, named: 'an event of a version' },
  },
  {
    rule: 'the events of one order have one partition key',
    file: 'core/orders/event-messages.ts',
    text: '(orderId ?? eventId).slice(0, 2)',
    without: '(orderId && eventId).slice(0, 2)',
    tests: { file: IN_ORDER, named: 'orders are shared out' },
  },
  {
    rule: 'an event stays in the outbox until every message that carries it is confirmed',
    file: 'order-service/relay-outbox.ts',
    text: "      for (const message of carries) if (failures.get(message) !== 'REFUSED') failures.set(message, outcome)\n",
    without: '',
    tests: { file: 'order-service/relay-outbox.test.ts', named: 'of events that one of two' },
  },
  {
    rule: 'of a batch only the poisonous event becomes a dead letter',
    file: 'subscribers/runtime/run-subscriber.ts',
    text: '        pack: packIncoming,\n',
    without: '',
    tests: { file: BATCHES, named: 'of a batch with one poisonous event' },
  },
  {
    rule: 'an effect before the one that fails is marked',
    file: HANDLING,
    text: '    await Promise.all(marks.map(',
    without: '    if (fresh.length === unmarked.length) await Promise.all(marks.map(',
    tests: { file: BATCHES, named: 'an effect with a mark' },
  },
  {
    rule: 'payments of one batch count together for risk control',
    file: 'subscribers/risk.ts',
    text: '    ofBuyers.set(buyerId, payments)\n',
    without: '',
    tests: { file: 'subscribers/risk.test.ts', named: 'of payments that come in one batch' },
  },
  {
    rule: 'poison does not block a partition',
    file: 'subscribers/runtime/run-subscriber.ts',
    text: '!(error instanceof TryAgain || isOutage(error))',
    without: 'error === undefined',
    tests: { file: PROMISES, named: 'an event that no retry' },
  },
  {
    rule: "a subscriber's dead letters are its own",
    file: 'subscribers/runtime/run-subscriber.ts',
    text: "      deadLetterTarget: { topology: queues.deadLetterTopology, exchange: '', routingKey: queues.deadLetters },\n",
    without: '',
    tests: { file: PROMISES, named: 'an event that no retry' },
  },
  {
    rule: 'a process gives up a partition that belongs to another',
    file: 'subscribers/runtime/partition-consumers.ts',
    text: 'if (isActive && i % processes !== place)',
    without: 'if (isActive && i < 0)',
    tests: { file: SHARED, named: 'partitions are shared out fairly' },
  },
  {
    rule: 'no backlog is moved while a process of its subscriber is alive',
    file: 'cli/spread.ts',
    text: 'if (consumers > 0 || (await countProcesses(tx)) > 0)',
    without: 'if (consumers < 0 && (await countProcesses(tx)) < 0)',
    tests: { file: SPREAD, named: 'the backlog of a stopped subscriber' },
  },
  {
    rule: 'no process of a subscriber starts while its backlog is being moved',
    file: 'subscribers/runtime/run-subscriber.ts',
    text: 'if (spreadOver === null) return partitions',
    without: 'if (spreadOver === null || partitions > 0) return partitions',
    tests: { file: SPREAD, named: 'while a backlog is being moved' },
  },
  {
    rule: 'events that arrive while a backlog is moved follow behind it',
    file: 'cli/move-backlog.ts',
    text: '  await emptied()\n  // Linked',
    without: '  // Linked',
    tests: { file: SPREAD, named: 'what the new partitions do not take' },
  },
  {
    rule: 'partitions with an event that could not be moved are neither cut off nor deleted',
    file: 'cli/move-backlog.ts',
    text: '        if (failure) throw failure\n',
    without: '',
    tests: { file: SPREAD, named: 'what the new partitions do not take' },
  },
  {
    rule: 'an event that is moved to other partitions is acknowledged after the confirm',
    file: 'cli/move-backlog.ts',
    text: "if (outcome !== 'CONFIRMED') throw",
    without: 'if (outcome === undefined) throw',
    tests: { file: SPREAD, named: 'what the new partitions do not take' },
  },
  {
    rule: 'an event that is held or parked is acknowledged after the confirm',
    file: 'subscribers/runtime/set-aside.ts',
    text: "if (outcome !== 'CONFIRMED') throw",
    without: 'if (outcome === undefined) throw',
    tests: { file: PROMISES, named: 'an event that cannot be parked' },
  },
  {
    rule: 'an event of a forgotten order is not handled again',
    file: 'core/orders/inbox.ts',
    text: '(known === 0 || sequence < known) && isOlderThan(at, remembersFrom)',
    without: 'sequence < 0',
    tests: { file: FORGET, named: 'an order is forgotten' },
  },
  {
    rule: 'an order is forgotten as a whole, and not before its newest event is old',
    file: 'core/orders/forget.ts',
    text: 'USING old WHERE i.purpose = old.purpose AND i.order_id = old.order_id',
    without: "WHERE i.handled_at < now() - ${days} * interval '1 day'",
    tests: { file: FORGET, named: 'an order is forgotten' },
  },
]
