import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { inThisVersion, OrderEvent } from '../core/contracts/messages.ts'
import type { OutboxMessage } from '../core/orders/outbox.ts'
import { placeOrders } from '../core/orders/place-orders.ts'
import { Ledger, reservation, rules } from '../test/support/ledger.ts'
import { createWorld, type World } from '../test/support/world.ts'

const MIGRATION = readFileSync(
  join(import.meta.dirname, 'migrations/20261121104147_add_subscribers/migration.sql'),
  'utf8',
)
const CARRY_OVER = MIGRATION.slice(MIGRATION.indexOf('-- What still waits in the outbox'))

/** As a subscriber of this release does. */
const read = (entry: OutboxMessage | undefined) => OrderEvent.parse(inThisVersion({ ...entry?.message }))

let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world.close())

test('events that wait in the outbox when the release changes go out in the version that subscribers know', async () => {
  const { database } = world
  const ledger = new Ledger(world)
  const saleId = await ledger.sale(5)
  await placeOrders(database, [reservation(saleId, 1)], rules)
  const [created, timeout] = await ledger.messages()
  const { id, createdAt } = await ledger.orderOf(`${saleId}.1`)
  if (created?.destination !== 'events') throw new Error('expected an event first')
  const {
    v: _,
    amountCents: __,
    couponCode: ___,
    points: ____,
    orderedAt: _____,
    traceparent,
    ...kept
  } = created.message
  const rejected = { ...kept, eventId: randomUUID(), orderId: null, type: 'reservation.rejected' }
  const old = [
    { destination: 'events', message: { v: 1, ...kept } },
    timeout,
    { destination: 'events', message: { v: 1, ...rejected } },
  ]
  await database.$executeRaw`UPDATE outbox SET size = 3, messages = ${JSON.stringify(old)}::json`

  await database.$executeRawUnsafe(CARRY_OVER)
  const [event, same, other] = await ledger.messages()
  expect(read(event)).toEqual({ ...created.message, orderId: id, orderedAt: createdAt.toISOString(), traceparent })
  expect(same).toEqual(timeout)
  expect(read(other)).toMatchObject({ orderId: null, amountCents: 0, eventId: rejected.eventId })
})
