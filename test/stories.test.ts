import { execa } from 'execa'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { commandArgs } from './bundles.ts'
import { startSystem, type System } from './support/system.ts'

let system: System
beforeAll(async () => {
  system = await startSystem({}, ['order-service', 'gateway', 'control-room'])
})
afterAll(() => system.close())

const storyOf = (id: string) => system.controlRoom('GET', `/stories/${encodeURIComponent(id)}`)
const toldInTerminal = (...args: string[]) =>
  execa('node', [...commandArgs('story'), ...args], {
    env: {
      DATABASE_URL: system.world.databaseUrl,
      REDIS_URL: system.world.redisUrl,
      REDIS_KEY_PREFIX: system.world.keyPrefix,
    },
    reject: false,
  })

test('a reservation is told before and after it becomes an order, on the page and in the terminal', async () => {
  const token = await system.signIn('Ada Lovelace')
  const saleId = await system.createSale()
  await system.stop('order-service')
  const reservationId = (await system.buyUntilAvailable(saleId, token)).body.id as string
  expect(await storyOf(reservationId)).toMatchObject({
    status: 200,
    body: {
      stories: [
        {
          reservationId,
          orderId: null,
          steps: [
            { service: 'gateway' },
            { service: 'order-service', says: { zh: '正在等待：订单服务既没有下单，也没有拒绝它。' } },
          ],
        },
      ],
    },
  })
  expect((await toldInTerminal(reservationId)).stdout).toContain('It waits: the order service')

  await system.start('order-service')
  const { orderId } = await system.settled(reservationId, token)
  expect(await storyOf(orderId as string)).toMatchObject({
    status: 200,
    body: { stories: [{ reservationId, orderId }] },
  })
  const { exitCode, stdout } = await toldInTerminal(reservationId, '--lang', 'zh')
  expect(exitCode).toBe(0)
  expect(stdout).toContain(`成为订单 ${String(orderId)}`)
})

test('an id that is not on record is not found', async () => {
  expect(await storyOf('nothing-like-it')).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } })
  expect(await toldInTerminal('nothing-like-it')).toMatchObject({
    exitCode: 1,
    stderr: 'There is no reservation, order or buyer "nothing-like-it" on record.',
  })
  expect(await storyOf('a'.repeat(256))).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST' } })
})
