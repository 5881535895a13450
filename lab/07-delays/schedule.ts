import { join } from 'node:path'
import { Redis } from 'ioredis'
import { TYPESCRIPT_ARGS } from '../../core/platform/process/typescript-args.ts'
import { startChild } from '../../dev/processes.ts'
import { freePort } from '../../dev/servers/ports.ts'
import { startRedis } from '../../dev/servers/redis.ts'
import { eventually } from '../../test/support/eventually.ts'
import { slowed } from '../../test/support/patience.ts'
import type { Place } from '../frame/place.ts'
import { consumeDue, declare, type Message, openSender, sortedSet, type Way } from './ways.ts'

/** What happened to a message, or to the process that keeps the messages. */
export interface Step {
  did: 'SCHEDULED' | 'CAME' | 'KILLED' | 'STARTED_AGAIN'
  at: number
  message?: number
  dueAt?: number
  /** Messages that wait besides, and are due long after the lab. */
  waiting?: number
}

/** The long one is always scheduled before the short ones. */
const DELAYS_MS = [2_000, 1_200, 200]
const HOUR_MS = 3_600_000
/** Long enough to be killed meanwhile, on a slow machine, too. */
const killedDelayMs = () => slowed(3_000)
const LIMIT_MS = 20_000

type Recorder = Pick<Place<Step>, 'now' | 'record'>

/** Schedules messages once for each number of others that wait, and waits until all have come. */
export async function scheduleRounds(place: Place<Step>, way: Way, waitingInRounds: number[]): Promise<void> {
  const came = new Came(place)
  const { schedule } = await way(place, came.onDue)
  const count = place.amount(150, 30)
  let waits = 0
  for (const [round, waiting] of waitingInRounds.entries()) {
    await schedule(messagesOf(place, { from: -waiting, count: waiting - waits, delaysMs: [HOUR_MS] }))
    waits = Math.max(waits, waiting)
    const messages = messagesOf(place, { from: round * count + 1, count, delaysMs: DELAYS_MS })
    for (const { id, dueAt } of messages)
      place.record({ did: 'SCHEDULED', at: place.now(), message: id, dueAt, waiting })
    await schedule(messages)
    await came.all(messages)
  }
}

/** A delay service keeps the messages in its memory, is killed and started again. */
export async function killWheel(place: Place<Step>): Promise<void> {
  const { broker, world, folder, now } = place
  const came = new Came(place)
  await declare(broker, 'to-be-delayed', {})
  await consumeDue(broker, came.onDue)
  const channel = await broker.createChannel()
  const start = async () => {
    const child = startChild({
      command: process.execPath,
      args: [...TYPESCRIPT_ARGS, join(import.meta.dirname, 'wheel-service.ts')],
      logFile: join(folder, 'wheel-service.log'),
      env: { ...process.env, RABBITMQ_URL: world.rabbitmqUrl },
      stopSignal: 'SIGKILL',
      graceMs: 1_000,
    })
    place.onStart('wheel-service', child)
    place.defer(() => child.stop())
    const isThere = ({ consumerCount }: { consumerCount: number }) => consumerCount === 1
    await eventually('the delay service', () => channel.checkQueue('to-be-delayed'), isThere, LIMIT_MS)
    return child
  }
  const send = await openSender(broker)
  const schedule = (messages: Message[]) => send(messages, 'to-be-delayed', ({ delayMs }) => ({ headers: { delayMs } }))

  const child = await start()
  const messages = scheduled(place, messagesOf(place, { from: 1, count: 60, delaysMs: [killedDelayMs()] }))
  await schedule(messages)
  const isTaken = ({ messageCount }: { messageCount: number }) => messageCount === 0
  await eventually('the service to have them', () => channel.checkQueue('to-be-delayed'), isTaken, LIMIT_MS)
  await child.stop()
  place.record({ did: 'KILLED', at: now() })
  await start()
  place.record({ did: 'STARTED_AGAIN', at: now() })
  // Once a message has come that is due after all others, those others will not come any more.
  const [{ dueAt } = { dueAt: now() }] = messages
  const delayMs = Math.max(0, Math.ceil(dueAt - now())) + 500
  const last = scheduled(place, messagesOf(place, { from: 61, count: 1, delaysMs: [delayMs] }))
  await schedule(last)
  await came.all(last)
}

/** A Redis of the lab's own, which writes to disk before each answer, is killed and started again. */
export async function killRedis(place: Place<Step>): Promise<void> {
  const { folder, now, onStart, defer } = place
  const came = new Came(place)
  const port = await freePort()
  const start = async () => {
    const server = await startRedis({ dataDir: join(folder, 'redis'), port, onStart })
    defer(() => server.stop())
    const redis = new Redis(server.url)
    defer(() => redis.disconnect())
    const stops: (() => unknown)[] = []
    const own = { ...place, world: { ...place.world, redis }, defer: (stop: () => unknown) => stops.push(stop) }
    const { schedule } = await sortedSet(own, came.onDue)
    const stopReading = async () => {
      for (const stop of stops.splice(0)) await stop()
      redis.disconnect()
    }
    defer(stopReading)
    return { server, schedule, stopReading }
  }
  const first = await start()
  const messages = scheduled(place, messagesOf(place, { from: 1, count: 60, delaysMs: [killedDelayMs()] }))
  await first.schedule(messages)
  await first.stopReading()
  process.kill(first.server.pid, 'SIGKILL')
  await first.server.ended
  place.record({ did: 'KILLED', at: now() })
  await start()
  place.record({ did: 'STARTED_AGAIN', at: now() })
  await came.all(messages)
}

function scheduled(place: Recorder, messages: Message[]): Message[] {
  for (const { id, dueAt } of messages) place.record({ did: 'SCHEDULED', at: place.now(), message: id, dueAt })
  return messages
}

function messagesOf(
  { now }: Recorder,
  { from, count, delaysMs }: { from: number; count: number; delaysMs: number[] },
): Message[] {
  return Array.from({ length: Math.max(0, count) }, (_, i) => {
    const delayMs = delaysMs[i % delaysMs.length] ?? 0
    return { id: from + i, delayMs, dueAt: now() + delayMs }
  })
}

/** Records what comes; a message that comes again is known. */
class Came {
  readonly #ids = new Set<number>()
  readonly #place: Recorder

  constructor(place: Recorder) {
    this.#place = place
  }

  onDue = (id: number): void => {
    if (!this.#ids.has(id)) this.#place.record({ did: 'CAME', at: this.#place.now(), message: id })
    this.#ids.add(id)
  }

  async all(messages: Message[]): Promise<void> {
    const missing = () => messages.filter(({ id }) => !this.#ids.has(id)).length
    await eventually('all messages', missing, (count) => count === 0, LIMIT_MS)
  }
}
