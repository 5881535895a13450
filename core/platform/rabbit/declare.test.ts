import { type ChannelModel, connect } from 'amqplib'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { eventually } from '../../../test/support/eventually.ts'
import { createWorld, type World } from '../../../test/support/world.ts'
import { DEAD_LETTERS, deadLetterTopology, INTAKE, intakeTopology } from '../../contracts/topology.ts'
import { createLog } from '../process/log.ts'
import { declare } from './declare.ts'

const log = createLog('test', 'silent')
let world: World
let model: ChannelModel
beforeAll(async () => {
  world = await createWorld()
  model = await connect(world.rabbitmqUrl, { noDelay: true })
  model.on('error', () => {
    /* A refused declaration says the same. */
  })
})
afterEach(async () => {
  for (const queue of [INTAKE, DEAD_LETTERS]) await world.broker('DELETE', `queues/%VHOST%/${queue}`)
})
afterAll(async () => {
  await model.close()
  await world.close()
})

async function argumentsOf(queue: string): Promise<Record<string, unknown>> {
  const answer = (await (await world.broker('GET', `queues/%VHOST%/${queue}`)).json()) as {
    arguments: Record<string, unknown>
  }
  return answer.arguments
}

test('a queue that was made with other bounds is used as it is, and the log names both', async () => {
  const error = vi.spyOn(log, 'error')
  await declare(model, intakeTopology(5), log)
  await declare(model, intakeTopology(7), log)
  expect(await argumentsOf(INTAKE)).toMatchObject({ 'x-max-length': 5, 'x-max-length-bytes': 1_000 })
  expect(error.mock.calls.map(([context]) => context)).toEqual([
    { queue: INTAKE, bound: 'x-max-length', wanted: 7, kept: 5 },
    { queue: INTAKE, bound: 'x-max-length-bytes', wanted: 1_400, kept: 1_000 },
  ])
})

test('a queue that was made without a bound that has come since is used as it is', async () => {
  const channel = await model.createChannel()
  await channel.assertQueue(DEAD_LETTERS, {
    durable: true,
    arguments: { 'x-queue-type': 'quorum', 'x-max-length': 100_000, 'x-overflow': 'reject-publish' },
  })
  await channel.close()
  await declare(model, deadLetterTopology, log)
  expect(await argumentsOf(DEAD_LETTERS)).not.toHaveProperty('x-max-length-bytes')
})

test.each([
  ['x-overflow', 'drop-head'],
  ['x-message-ttl', 5_000],
])(
  'a queue that works in another way is refused, since it might lose what it is given: %s',
  async (argument, value) => {
    const channel = await model.createChannel()
    await channel.assertQueue(DEAD_LETTERS, {
      durable: true,
      arguments: { ...deadLetterTopology.queues[0]?.arguments, [argument]: value },
    })
    await channel.close()
    await expect(declare(model, deadLetterTopology, log)).rejects.toThrow(argument)
  },
)

test('a message that consumers gave back forty times, as when their connection is cut, stays at the intake', async () => {
  await declare(model, intakeTopology(5), log)
  const channel = await model.createConfirmChannel()
  channel.sendToQueue(INTAKE, Buffer.from('reservations'), { persistent: true })
  await channel.waitForConfirms()
  const delivered = () => eventually('the message', () => channel.get(INTAKE), Boolean)
  for (let deliveries = 0; deliveries < 40; deliveries++) {
    const message = await delivered()
    if (message) channel.nack(message)
  }
  const message = await delivered()
  expect(message && message.content.toString()).toBe('reservations')
  await channel.close()
})
