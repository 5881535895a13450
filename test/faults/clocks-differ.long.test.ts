import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { placeOrders } from '../../core/orders/place-orders.ts'
import { cancelForBuyer } from '../../core/orders/transitions.ts'
import { receiveMoney } from '../../core/orders/receive-money.ts'
import { freePort } from '../../dev/servers/ports.ts'
import { ageReservation } from '../support/change-reservation.ts'
import { Crowd } from '../support/crowd.ts'
import { eventually } from '../support/eventually.ts'
import { call } from '../support/http-client.ts'
import { Ledger, reservation, rules } from '../support/ledger.ts'
import { type ServiceProcess, spawnProcess, startProcess } from '../support/service-process.ts'
import { type ServiceName, startSystem, type System } from '../support/system.ts'
import { createWorld } from '../support/world.ts'
import type { ReservationName } from '../../core/stock/reservation.ts'

const MINUTE_MS = 60_000
/** Far below the shift of ten minutes, and longer than any test. */
const ABOUT_NOW_MS = 4 * MINUTE_MS
const isAboutNow = (time: unknown) => Math.abs(new Date(String(time)).getTime() - Date.now()) < ABOUT_NOW_MS
const SHIFT_CLOCK = new URL('../support/shift-clock.mjs', import.meta.url).href
const SHIFTED = ['gateway', 'order-service', 'cancel-worker'] as const satisfies ServiceName[]

describe.each([
  ['ahead', 10 * MINUTE_MS],
  ['behind', -10 * MINUTE_MS],
])('clocks differ between processes: ten minutes %s', (_where, shiftMs) => {
  let system: System
  const processes: ServiceProcess[] = []

  beforeAll(async () => {
    // Nothing is sent again within the test, so that what is made to look lost stays so.
    system = await startSystem({
      RESEND_AFTER_MS: '600000',
      PAYMENT_WINDOW_SECONDS: '1800',
      RESERVATION_LIFETIME_SECONDS: '300',
    })
    for (const name of SHIFTED) await system.stop(name)
    const env = {
      ...system.env,
      GATEWAY_PROCESSES: '1',
      NODE_OPTIONS: `--import=${SHIFT_CLOCK}`,
      CLOCK_SHIFT_MS: String(shiftMs),
    }
    // The order service is further off than signed times may be, so never ready; it works all the same.
    for (const name of SHIFTED)
      processes.push(name === 'order-service' ? spawnProcess(name, env) : await startProcess(name, env))
    await readinessOf('order-service')
  })
  afterAll(async () => {
    await Promise.all(processes.map((one) => one.kill()))
    await system.close()
  })

  const portOf = (name: ServiceName) => system.env[`${name.toUpperCase().replaceAll('-', '_')}_PORT`]
  const readinessOf = (name: ServiceName) =>
    eventually(
      `${name} to say how it is`,
      async () =>
        (await fetch(`http://127.0.0.1:${portOf(name)}/readyz`).then(
          (answer) => answer.json(),
          () => undefined,
        )) as { redis?: boolean; problems: { check: string }[] } | undefined,
      (readiness) => readiness !== undefined && readiness.redis !== false,
      60_000,
    )
  const clockIsWrong = (whose: string) => [
    {
      check: 'clock',
      code: 'CLOCK_WRONG',
      detail: expect.stringMatching(
        `${shiftMs > 0 ? 'ahead of' : 'behind'} that of ${whose}, and signed times may differ by`,
      ) as unknown,
    },
  ]

  test('a service that verifies signed times reports in /readyz that its clock is too far off', async () => {
    // That the order service is still starting may be shown, too.
    expect((await readinessOf('gateway'))?.problems.filter(({ check }) => check === 'clock')).toEqual([])
    await eventually(
      'the order service to name nothing else',
      () => readinessOf('order-service'),
      (readiness) => readiness?.problems.length === 1,
    )
    expect((await readinessOf('order-service'))?.problems).toEqual(clockIsWrong('Redis'))

    // Of this process, whose clock is moved for as long as they are asked.
    const gateway = await system.start('gateway', { GATEWAY_PORT: String(await freePort()) })
    const clockProblemsAt = async (origin: string) =>
      (
        (await fetch(`${origin}/readyz`).then((answer) => answer.json())) as { problems: { check: string }[] }
      ).problems.filter(({ check }) => check === 'clock')
    vi.setSystemTime(Date.now() + 2 * shiftMs)
    try {
      expect(await clockProblemsAt(`http://127.0.0.1:${gateway.port}`)).toEqual(clockIsWrong('Redis'))
      expect(await clockProblemsAt(String(system.env.PAYMENT_PROVIDER_URL))).toEqual(clockIsWrong('the shop'))
    } finally {
      vi.useRealTimers()
      await system.stop('gateway')
    }
  })

  test('the clocks of the services are shifted', () => {
    for (const one of processes) {
      const loggedAtMs = Number(/"time":(\d+)/.exec(one.output())?.[1])
      expect(Math.abs(loggedAtMs - shiftMs - Date.now())).toBeLessThan(ABOUT_NOW_MS)
    }
  })

  test("a sale opens and ends by Redis' clock, and buyers are told that one", async () => {
    const token = await system.signIn('punctual')
    const answer = async (window: Parameters<System['createSale']>[0]) =>
      system.buy(await system.createSale(window), token)
    const early = await answer({ opensInMs: 5 * MINUTE_MS })
    expect(early.body).toMatchObject({ status: 403, code: 'NOT_STARTED' })
    expect((await answer({ opensInMs: -1_000, closesInMs: 5 * MINUTE_MS })).status).toBe(202)
    const late = await answer({ opensInMs: -9 * MINUTE_MS, closesInMs: -1_000 })
    expect(late.body).toMatchObject({ status: 403, code: 'ENDED' })
    const shown = await call('GET', system.url(`/sales/${await system.createSale()}`))
    const listed = await call('GET', system.url('/sales'))
    expect([early, late, shown, listed].map(({ body }) => isAboutNow(body.serverTime))).toEqual([
      true,
      true,
      true,
      true,
    ])
  })

  test("a fresh reservation is ordered, with the whole payment window by the database's clock", async () => {
    const saleId = await system.createSale({ stock: 1 })
    const crowd = new Crowd(system, saleId)
    await crowd.come(1)
    await crowd.allAre('ORDERED')
    const order = await system.world.database.order.findFirstOrThrow({ where: { saleId } })
    expect(isAboutNow(order.createdAt)).toBe(true)
    expect(order.paymentDeadline.getTime() - order.createdAt.getTime()).toBe(1_800_000)
  })

  test("an order lapses when its deadline has passed by the database's clock, and none before", async () => {
    const { database } = system.world
    const saleId = await system.createSale({ stock: 2 })
    const crowd = new Crowd(system, saleId)
    await crowd.come(2)
    await crowd.allAre('ORDERED')
    const [overdue, early] = await database.order.findMany({ where: { saleId }, orderBy: { buyerId: 'asc' } })
    // Within the ten minutes by which the worker is wrong, on either side.
    await database.$executeRaw`
      UPDATE orders SET payment_deadline = now() + interval '5 min' WHERE id = ${early?.id}::uuid`
    await database.$executeRaw`
      UPDATE orders SET payment_deadline = now() - interval '10 s' WHERE id = ${overdue?.id}::uuid`
    const statuses = () =>
      database.order.findMany({ where: { saleId }, orderBy: { buyerId: 'asc' }, select: { status: true } })
    // One query finds all overdue orders: it has seen and skipped the early one.
    expect(await eventually('one to lapse', statuses, (orders) => orders[0]?.status === 'CANCELLED')).toEqual([
      { status: 'CANCELLED' },
      { status: 'PENDING_PAYMENT' },
    ])
    expect(await system.auditAtRest(saleId)).toMatchObject({ balanced: true, sales: [{ sold: 1, redisLeft: 1 }] })
  })

  test("a reservation is given up when its lifetime is over by Redis' clock, and none before", async () => {
    const { stock } = system.world
    const saleId = await system.createSale({ stock: 2 })
    const crowd = new Crowd(system, saleId)
    const [old, fresh] = [await crowd.joinUnanswered(), await crowd.joinUnanswered()]
    // Lost by the broker, one of them eight minutes ago; a reservation lives for five.
    await stock.confirmed(saleId, [old, fresh])
    await ageReservation(system.world, old, 8 * MINUTE_MS)
    // And one that is five seconds old, which the sweeper must skip.
    await ageReservation(system.world, fresh, 5_000)

    const status = async (name: ReservationName) => (await stock.readReservation(name))?.status
    await eventually(
      'the old one to be given up',
      () => status(old),
      (now) => now === 'REJECTED',
    )
    expect(await status(fresh)).toBe('RESERVED')
    expect((await stock.readSale(saleId))?.left).toBe(1)
  })

  test('an order service with a wrong clock gets no payment link, and its orders are unaffected', async () => {
    const saleId = await system.createSale({ stock: 1 })
    const token = await system.signIn(randomUUID())
    const { body } = await system.buy(saleId, token)
    const { orderId } = await system.settled(String(body.id), token)
    const link = () => call('POST', system.url(`/orders/${String(orderId)}/payments`), { token })
    expect(await link()).toMatchObject({ status: 503, body: { code: 'UNAVAILABLE' } })

    await processes[1]?.terminate()
    await system.start('order-service')
    const { body: payment } = await link()
    expect((await call('POST', String(payment.url), { headers: { accept: 'application/json' } })).body.outcome).toBe(
      'PAID',
    )
    expect(await system.auditAtRest(saleId)).toMatchObject({
      balanced: true,
      sales: [{ sold: 1, orders: { PAID: 1 } }],
    })
  })
})

test("times of payments and refunds are those of the database's clock", async () => {
  const world = await createWorld()
  const ledger = new Ledger(world)
  const saleId = await ledger.sale(1)
  await placeOrders(world.database, [reservation(saleId, 1)], rules)
  const { id } = await ledger.orderOf(`${saleId}.1`)
  await world.database.payment.create({ data: { id, orderId: id, amountCents: 500 } })
  await cancelForBuyer(world.database, id, 'buyer-1')
  onTestFinished(() => void vi.useRealTimers())
  vi.setSystemTime(Date.now() + 10 * MINUTE_MS)
  const money = { paymentId: id, orderId: id, amountCents: 500, providerRef: 'ref' }
  expect(await receiveMoney(world.database, [money])).toMatchObject([{ outcome: 'REFUND_DUE' }])
  vi.useRealTimers()
  const payment = await world.database.payment.findUniqueOrThrow({ where: { id }, include: { refund: true } })
  expect([payment.receivedAt, payment.refund?.requestedAt].map((time) => isAboutNow(time))).toEqual([true, true])
  await world.close()
})
