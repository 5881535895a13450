import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ConfirmChannel } from 'amqplib'
import { startRabbitmq } from '../../dev/servers/rabbitmq.ts'
import { connectBroker, type Place } from '../frame/place.ts'
import type { Entry } from './entry.ts'
import { publish, SEND } from './sending.ts'

type RabbitWay = keyof typeof SEND

/** As `startRabbitmq` names it; part of the names of its folders. */
const RABBITMQ_NODE = 'seckill@localhost'

/** Sends in each of the ways, kills the broker at the very end of the last, and starts it again on the same data. */
export async function killRabbitmq(place: Place<Entry>, ways: RabbitWay[]): Promise<void> {
  const { now, amount } = place
  const before = await openBroker(place)
  const { channel } = before
  for (const way of ways) await declare(place, channel, way)
  for (const way of ways) {
    const count = way === 'sync' ? amount(200, 20) : amount(2_000, 100)
    place.record({ way, what: 'BEGAN', at: now() })
    await SEND[way]({
      channel,
      queue: queueOf(way),
      count,
      told: (message) => place.record({ way, what: 'TOLD', message, at: now() }),
    })
  }
  const gone = before.kill() // Sends SIGKILL before anything else can happen in this process.
  for (const way of ways) place.record({ way, what: 'KILLED', at: now() })
  await gone

  const after = await openBroker(place)
  for (const way of ways) {
    const left = await readAll(after.channel, queueOf(way))
    for (const message of left) place.record({ way, what: 'LEFT', message, at: now() })
  }
}

async function declare(place: Place<Entry>, channel: ConfirmChannel, way: RabbitWay): Promise<void> {
  const isQuorum = way === 'quorum'
  const type = isQuorum ? { 'x-queue-type': 'quorum' } : {}
  await channel.assertQueue(queueOf(way), { durable: true, arguments: type })
  await untilOnDisk(place, queueOf(way), isQuorum)
}

/**
 * RabbitMQ answers a declaration before it is on the disk. Its log (LATEST.LOG) gets the queue first and `committed`
 * later: a queue whose broker is killed in between does not come back, nor do its messages (3.10: one in 140 kills).
 * The files of the table itself have only what was committed. A broker that keeps queues otherwise has none of them.
 */
async function untilOnDisk({ folder }: Place<Entry>, queue: string, isQuorum: boolean): Promise<void> {
  const inNode = (file: string) => textOf(join(folder, 'rabbitmq/mnesia', RABBITMQ_NODE, file))
  const isCommitted = () => {
    const table = inNode('rabbit_durable_queue.DCD')
    const tables = [table, inNode('rabbit_durable_queue.DCL')]
    const afterwards = inNode('LATEST.LOG')?.split(queue).slice(1).at(-1)
    return table === undefined || tables.some((text) => text?.includes(queue)) || afterwards?.includes('committed')
  }
  const isNamed = () => inNode(join('quorum', RABBITMQ_NODE, 'names.dets'))?.includes(queue) ?? true
  while (!isCommitted() || (isQuorum && !isNamed())) await sleep(20)
}

/** @returns undefined where there is no such file; the broker may replace it at any time */
function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'latin1')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

const queueOf = (way: RabbitWay) => `lab.${way}`

interface Broker {
  channel: ConfirmChannel
  /** @returns a promise of its end */
  kill: () => Promise<void>
}

/** A broker of the lab's own, on the data that is in its folder. */
async function openBroker({ folder, onStart, defer }: Place<Entry>): Promise<Broker> {
  const plugins = ['rabbitmq_management']
  const server = await startRabbitmq({ dataDir: join(folder, 'rabbitmq'), onStart, disposable: true, plugins })
  defer(() => server.stop())
  const broker = await connectBroker(server.url)
  const channel = await broker.createConfirmChannel()
  channel.on('error', () => {}) // The kill closes it, as intended.
  return { channel, kill: () => server.stop() }
}

const MARKER = 'the last one'

/** A queue hands out its messages in order: what comes before a marker that is sent now is all that is left. */
async function readAll(channel: ConfirmChannel, queue: string): Promise<number[]> {
  while (!(await publish(channel, queue, MARKER))) await sleep(50)
  return new Promise((resolve, reject) => {
    const left: number[] = []
    const take = (text: string) => (text === MARKER ? resolve(left) : left.push(Number(text)))
    channel.consume(queue, (message) => message && take(message.content.toString()), { noAck: true }).catch(reject)
  })
}
