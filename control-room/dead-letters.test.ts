import { afterAll, beforeAll, expect, test } from 'vitest'
import { INTAKE } from '../core/contracts/topology.ts'
import type { DeadLetter } from '../core/contracts/control-room.ts'
import { eventually } from '../test/support/eventually.ts'
import { call } from '../test/support/http-client.ts'
import { lengthOf, publishTo } from '../test/support/queues.ts'
import { startSystem, type System } from '../test/support/system.ts'
import { startTcpProxy, type TcpProxy } from '../test/support/tcp-proxy.ts'

let system: System
let broker: TcpProxy
beforeAll(async () => {
  system = await startSystem({}, ['payment-provider', 'order-service'])
  const url = new URL(system.world.rabbitmqUrl)
  broker = await startTcpProxy({ host: url.hostname, port: Number(url.port) })
  url.port = String(broker.port)
  await system.start('control-room', { RABBITMQ_URL: url.href })
})
afterAll(async () => {
  await system.close()
  await broker.close()
})

const metricsOf = async (port: string | undefined) =>
  String((await call('GET', `http://127.0.0.1:${port}/metrics`)).body.text)
const list = async () =>
  (await system.controlRoom('GET', '/dead-letters')).body as unknown as { count: number; letters: DeadLetter[] }

test('dead letters are shown and counted, raise the alarm, and go back to their queue', async () => {
  await publishTo(system.world, INTAKE, INTAKE, 'not json', '{"v":1}')
  const { letters } = await eventually('two dead letters', list, ({ count }) => count === 2)
  expect(letters[0]).toMatchObject({ queue: INTAKE, reason: 'unreadable', bytes: 8, beginning: 'not json' })
  expect(await metricsOf(system.env.ORDER_SERVICE_PORT)).toMatch(
    /^seckill_dead_lettered_total\{queue="seckill.intake",reason="unreadable".*\} 2$/m,
  )
  await eventually(
    'the gauge',
    () => metricsOf(system.env.CONTROL_ROOM_PORT),
    (text) => /^seckill_dead_letters(\{.*\})? 2$/m.test(text),
  )

  await system.stop('order-service')
  const id = letters[0]?.id
  expect(await system.controlRoom('POST', '/dead-letters/send-back', { ids: [id] })).toMatchObject({
    status: 200,
    body: { sent: [id], kept: [] },
  })
  expect(await lengthOf(system.world, INTAKE)).toBe(1)
  expect(await system.controlRoom('POST', '/dead-letters/send-back', { all: true })).toMatchObject({
    body: { sent: [letters[1]?.id], kept: [] },
  })
  expect(await list()).toEqual({ count: 0, letters: [] })
})

test('a choice that names nothing, or two things, is refused', async () => {
  for (const choice of [
    {},
    { ids: [] },
    { ids: ['no id'] },
    { all: false },
    { ids: ['0123456789ab'], all: true },
    [],
  ]) {
    expect(await system.controlRoom('POST', '/dead-letters/send-back', choice), JSON.stringify(choice)).toMatchObject({
      status: 400,
      body: { code: 'INVALID_REQUEST' },
    })
  }
})

test('both are for the admin only', async () => {
  for (const [method, path] of [
    ['GET', '/dead-letters'],
    ['POST', '/dead-letters/send-back'],
  ] as const) {
    expect(
      await call(method, `http://127.0.0.1:${system.env.CONTROL_ROOM_PORT}${path}`, { token: 'x'.repeat(48) }),
    ).toMatchObject({ status: 403 })
  }
})

test('what waits is shown; while the broker is away its figures are missing, not old', async () => {
  const figures = () => metricsOf(system.env.CONTROL_ROOM_PORT)
  await eventually(
    'the figures',
    figures,
    (text) =>
      /^seckill_pending_reservations\{.*\} 0$/m.test(text) && text.includes('seckill_queue_messages{queue="intake"'),
  )
  broker.cut()
  expect(await system.controlRoom('GET', '/dead-letters')).toMatchObject({ status: 503, body: { code: 'UNAVAILABLE' } })
  await eventually('no figure', figures, (text) => !/^seckill_(dead_letters|queue_messages)\b.*\d$/m.test(text))
  broker.restore()
  await eventually('the figures', figures, (text) => /^seckill_dead_letters\b.*\d$/m.test(text))
})
