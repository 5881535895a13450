import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { type ChannelModel, type ConfirmChannel, connect } from 'amqplib'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { eventually } from '../../test/support/eventually.ts'
import { startTcpProxy } from '../../test/support/tcp-proxy.ts'
import { createWorld, type World } from '../../test/support/world.ts'
import { subscriberQueues } from '../contracts/subscriber-topology.ts'
import { CANCELLATIONS, cancellationTopology } from '../contracts/timeout-topology.ts'
import { DEAD_LETTERS, INTAKE, intakeTopology, merge } from '../contracts/topology.ts'
import { createLog } from '../platform/process/log.ts'
import { declare } from '../platform/rabbit/declare.ts'
import { deadLetter, DEATH } from '../platform/rabbit/dead-letters.ts'
import { commandArgs } from '../../test/bundles.ts'
import { type Broker, dropDeadLetters, listDeadLetters, sendBack } from './queue.ts'

const log = createLog('test', 'silent')
const topology = merge(intakeTopology(1_000), cancellationTopology)
let world: World
let broker: Broker
let connection: ChannelModel
let channel: ConfirmChannel

beforeAll(async () => {
  world = await createWorld()
  broker = { url: world.rabbitmqUrl, log }
  connection = await connect(world.rabbitmqUrl, { noDelay: true })
  channel = await connection.createConfirmChannel()
})
beforeEach(async () => {
  await declare(connection, topology, log)
  for (const queue of [INTAKE, CANCELLATIONS, DEAD_LETTERS]) await channel.purgeQueue(queue)
})
afterAll(async () => {
  await connection.close()
  await world.close()
})

/** All of them: what another visitor had in hand comes back some moments after it has gone. */
const listed = (count: number, most = 10) =>
  eventually(
    `${count} dead letters`,
    () => listDeadLetters(broker, most),
    (list) => list.count === count,
  )
const lengthOf = async (queue: string) => (await channel.checkQueue(queue)).messageCount

/** Messages that came by a queue and could not be used. */
async function bodiesDied(queue: string, ...bodies: string[]): Promise<void> {
  for (const body of bodies) {
    channel.sendToQueue(queue, Buffer.from(body), {
      persistent: true,
      messageId: `id of ${body}`,
      headers: { own: 'header' },
    })
    await channel.waitForConfirms()
    const message = await channel.get(queue)
    if (message === false) throw new Error(`${body} is not in ${queue}`)
    expect(
      await deadLetter(
        world.rabbitmqUrl,
        'test',
        [{ message, queue, flaw: { reason: 'unreadable', why: `${body}\n is odd` } }],
        log,
      ),
    ).toEqual(['CONFIRMED'])
    channel.ack(message)
  }
}

test('a list shows where letters come from and why, takes none, and is the same again', async () => {
  await bodiesDied(INTAKE, 'first', 'second \u001B[31m')
  await bodiesDied(CANCELLATIONS, 'third')
  const { letters } = await listed(3)
  expect(letters).toMatchObject([
    { queue: INTAKE, reason: 'unreadable', why: 'first is odd', bytes: 5, beginning: 'first' },
    { queue: INTAKE, beginning: 'second ·[31m' },
    { queue: CANCELLATIONS, beginning: 'third' },
  ])
  expect(new Set(letters.map(({ id }) => id)).size).toBe(3)
  expect(await listed(3, 2)).toEqual({ count: 3, letters: letters.slice(0, 2) })
  expect((await listed(3)).letters).toEqual(letters)
})

test('what the broker itself sent there says so', async () => {
  channel.sendToQueue(INTAKE, Buffer.from('refused'), { persistent: true })
  await channel.waitForConfirms()
  const message = await channel.get(INTAKE)
  if (message !== false) channel.reject(message, false)
  await eventually(
    'the dead letter',
    () => lengthOf(DEAD_LETTERS),
    (length) => length === 1,
  )
  const { letters } = await listed(1, 1)
  expect(letters).toMatchObject([{ queue: INTAKE, reason: 'rejected', why: null }])
  expect((await sendBack(broker, { ids: 'all' })).sent).toEqual(letters)
  expect(await lengthOf(INTAKE)).toBe(1)
})

test('letters go back to their queues as they were, those that were meant and no others', async () => {
  await bodiesDied(INTAKE, 'a', 'b')
  await bodiesDied(CANCELLATIONS, 'c')
  const [a, , c] = (await listed(3)).letters
  const { sent, kept } = await sendBack(broker, { ids: [a?.id ?? '', c?.id ?? '', 'no such id'] })
  expect([sent, kept]).toEqual([[a, c], []])
  expect((await listed(1)).letters).toMatchObject([{ beginning: 'b' }])
  expect(await lengthOf(CANCELLATIONS)).toBe(1)
  const message = await channel.get(INTAKE, { noAck: true })
  expect(
    message && {
      body: message.content.toString(),
      id: message.properties.messageId as unknown,
      notes: Object.keys(message.properties.headers ?? {}).filter((header) => header.startsWith('x-letter')),
      own: message.properties.headers?.own as unknown,
    },
  ).toEqual({ body: 'a', id: 'id of a', notes: [], own: 'header' })
})

test('a letter whose queue is gone or full stays', async () => {
  await bodiesDied(INTAKE, 'a')
  await bodiesDied(CANCELLATIONS, 'b')
  await channel.deleteQueue(INTAKE)
  await world.broker('PUT', 'policies/%VHOST%/full', {
    pattern: `^${CANCELLATIONS}$`,
    definition: { 'max-length': 0 },
    'apply-to': 'queues',
  })
  // A policy holds some moments after it was made, and a quorum queue takes what comes while it fills.
  await eventually(
    'the queue to be full',
    async () => {
      channel.sendToQueue(CANCELLATIONS, Buffer.from('filling'))
      return await channel.waitForConfirms().then(
        () => 'taken',
        () => 'refused',
      )
    },
    (outcome) => outcome === 'refused',
  )
  const { sent, kept } = await sendBack(broker, { ids: 'all' })
  await world.broker('DELETE', 'policies/%VHOST%/full')
  expect(sent).toEqual([])
  expect(kept).toMatchObject([
    { letter: { queue: INTAKE }, outcome: 'REFUSED' },
    { letter: { queue: CANCELLATIONS }, outcome: 'REFUSED' },
  ])
  expect(await lengthOf(DEAD_LETTERS)).toBe(2)
})

test('cut off at any moment, a letter is still there, or back, or both', async () => {
  const target = new URL(world.rabbitmqUrl)
  for (let answers = 1; answers <= 30; answers++) {
    await channel.purgeQueue(INTAKE)
    await channel.purgeQueue(DEAD_LETTERS)
    await bodiesDied(INTAKE, `letter ${answers}`)
    const proxy = await startTcpProxy({ host: target.hostname, port: Number(target.port) })
    proxy.cutAfter(answers)
    const url = new URL(target)
    url.port = String(proxy.port)
    await sendBack({ url: url.href, log }, { ids: 'all' }).catch(() => 'cut off')
    await proxy.close()
    expect(
      await eventually(
        'the letter',
        async () => (await lengthOf(INTAKE)) + (await lengthOf(DEAD_LETTERS)),
        (length) => length > 0,
      ),
    ).toBeGreaterThan(0)
  }
})

test('a letter that is dropped is gone, and the others are not', async () => {
  await bodiesDied(INTAKE, 'a', 'b')
  const [a, b] = (await listed(2)).letters
  expect(await dropDeadLetters(broker, [b?.id ?? ''])).toEqual([b])
  expect((await listed(1)).letters).toEqual([a])
})

test('the command shows them, sends them back, and says by its exit code when it could not', async () => {
  const run = (url: string, ...args: string[]) =>
    promisify(execFile)(process.execPath, [...commandArgs('dead-letters'), ...args], {
      env: { ...process.env, RABBITMQ_URL: url },
    }).then(
      ({ stdout }) => ({ code: 0, stdout }),
      (error: { code: number; stdout: string }) => ({ code: error.code, stdout: error.stdout }),
    )
  await bodiesDied(INTAKE, 'a')
  const [a] = (await listed(1, 1)).letters
  expect((await run(broker.url)).stdout).toContain(a?.id)
  expect(JSON.parse((await run(broker.url, '--json')).stdout)).toEqual({ count: 1, letters: [a] })
  expect((await run(broker.url, '--send-back', 'ffffffffffff')).code).toBe(1)
  expect((await run(broker.url, '--send-back', '--all')).code).toBe(0)
  expect(await lengthOf(INTAKE)).toBe(1)
  expect((await run(broker.url)).stdout).toBe('There are no dead letters.\n')
  for (const args of [['--drop'], ['--drop', '--all'], ['--send-back'], ['a'], ['--nonsense']])
    expect((await run(broker.url, ...args)).code, args.join(' ')).toBe(2)
  expect((await run('amqp://127.0.0.1:1')).code).toBe(2)
})

test("a subscriber's dead letters are shown, sent back and dropped apart, and an unknown name is refused", async () => {
  const points = subscriberQueues('points', 1, [])
  await declare(connection, points.topology, log)
  const partition = points.partitions[0] ?? ''
  await bodiesDied(INTAKE, "the shop's")
  for (const body of ['one', 'two']) {
    const headers = {
      [DEATH.queue]: partition,
      [DEATH.reason]: 'refused',
      [DEATH.why]: 'no reason',
      [DEATH.at]: new Date().toISOString(),
    }
    channel.sendToQueue(points.deadLetters, Buffer.from(body), { persistent: true, correlationId: 'an order', headers })
    await channel.waitForConfirms()
  }
  const {
    count,
    letters: [one, two],
  } = await listDeadLetters({ ...broker, of: 'points' }, 10)
  expect({ count, queue: one?.queue, beginning: one?.beginning }).toEqual({
    count: 2,
    queue: partition,
    beginning: 'one',
  })
  expect(await sendBack({ ...broker, of: 'points' }, { ids: [one?.id ?? ''] })).toMatchObject({
    sent: [{ beginning: 'one' }],
    kept: [],
  })
  const back = await new Promise((resolve) => {
    void channel.consume(partition, resolve, { noAck: true })
  })
  expect(back).toMatchObject({ properties: { correlationId: 'an order' } })
  expect(await dropDeadLetters({ ...broker, of: 'points' }, [two?.id ?? ''])).toMatchObject([{ beginning: 'two' }])
  expect(await listDeadLetters({ ...broker, of: 'points' }, 10)).toEqual({ count: 0, letters: [] })
  expect((await listed(1)).count).toBe(1)
  await expect(listDeadLetters({ ...broker, of: 'pionts' }, 10)).rejects.toThrow(
    /no queue 'seckill.subscriber.pionts.dead-letters'/,
  )
})
