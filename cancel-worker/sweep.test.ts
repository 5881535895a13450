import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { createLog } from '../core/platform/process/log.ts'
import { closeSale } from '../core/rebuild/close-sale.ts'
import { reopenSale } from '../core/rebuild/reopen-sale.ts'
import { SaleAdmin } from '../core/stock/sale-admin.ts'
import { eventually } from '../test/support/eventually.ts'
import { Ledger, reservation } from '../test/support/ledger.ts'
import { generous, reserveOne } from '../test/support/reserve-one.ts'
import type { ReservationName } from '../core/stock/reservation.ts'
import { ageReservation } from '../test/support/change-reservation.ts'
import { createWorld, type World } from '../test/support/world.ts'
import { sweepLedger } from './sweep.ts'

const HOUR_MS = 3_600_000
const log = createLog('test', 'silent')
let world: World
let saleId: string
let name: ReservationName
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world.close())

/** A reservation whose message was lost after the broker had confirmed it. */
beforeEach(async () => {
  saleId = await new Ledger(world).sale(1, `sale-${randomUUID().slice(0, 8)}`)
  const deps = { database: world.database, saleAdmin: new SaleAdmin(world.redis, world.keyPrefix) }
  const closed = await closeSale(deps, saleId)
  if (closed) await reopenSale(deps, closed)
  const message = reservation(saleId, 1, { epoch: closed?.epoch ?? 0 })
  const outcome = await reserveOne(world.stock, { saleId, epoch: message.epoch, total: 1 }, message, {
    ...generous,
    patienceMs: HOUR_MS,
  })
  if (outcome.status !== 'RESERVED') throw new Error(`Expected RESERVED, got ${outcome.status}`)
  await world.stock.confirmed(saleId, [message])
  name = message
})

const sweep = (reservationLifetimeMs: number) =>
  sweepLedger(
    { database: world.database, stock: world.stock, log, onCancelled: () => {} },
    { graceMs: 0, reservationLifetimeMs },
    saleId,
  )
const status = async () => (await world.stock.readReservation(name))?.status

test('a reservation set aside while the clock of Redis ran an hour ahead is given up after its lifetime, not after an hour', async () => {
  await ageReservation(world, name, -HOUR_MS)
  await sweep(HOUR_MS / 2)
  expect(await status()).toBe('RESERVED')
  await eventually(
    'it to be given up',
    async () => {
      await sweep(10)
      return status()
    },
    (now) => now === 'REJECTED',
  )
  expect((await world.stock.readSale(saleId))?.left).toBe(1)
})

test('while the clock of Redis runs an hour ahead no reservation is taken for abandoned', async () => {
  const clock = vi.spyOn(world.stock.clock, 'read').mockResolvedValue(Date.now() + HOUR_MS)
  await sweep(HOUR_MS / 2)
  clock.mockRestore()
  expect(await status()).toBe('RESERVED')
})
