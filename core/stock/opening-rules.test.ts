import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadSale } from '../../test/support/load-sale.ts'
import { generous } from '../../test/support/reserve-one.ts'
import { createWorld, type World } from '../../test/support/world.ts'
import type { Opening } from '../contracts/opening.ts'
import type { ReserveOutcome } from './reserving.ts'
import type { SaleFigures } from './sale-figures.ts'

let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world.close())

const TICKET: Opening['ticket'] = { fromMinutesBefore: 1, validMinutes: 1, refuseFrom: 80 }
let sales = 0
async function loaded(opening: Opening): Promise<SaleFigures> {
  const sale: SaleFigures = {
    saleId: `opening-${sales++}`,
    epoch: 1,
    title: 'A sale',
    priceCents: 100,
    total: 1_000,
    left: 1_000,
    perBuyerLimit: 1_000,
    opensAtMs: Date.now() - 1_000,
    closesAtMs: Date.now() + 60_000,
    opening,
  }
  await loadSale(world, sale)
  return sale
}

interface Asked {
  id: string
  buyerId?: string
  key?: string
  ticketGivenAtMs?: number
}
const name = ({ saleId }: SaleFigures, id: string, buyerId = 'ann') => ({
  saleId,
  reservationId: `${saleId}.${id}`,
  buyerId,
  quantity: 1,
})
const buyTogether = (sale: SaleFigures, asked: Asked[]) =>
  world.stock.reserve(
    sale,
    asked.map(({ id, buyerId, ...rest }) => ({
      ...name(sale, id, buyerId),
      address: '192.0.2.1',
      limitPerBuyer: 1_000,
      ...rest,
    })),
    generous,
  )
async function buy(sale: SaleFigures, id: string, rest: Omit<Asked, 'id'> = {}): Promise<ReserveOutcome | undefined> {
  const [outcome] = await buyTogether(sale, [{ id, ...rest }])
  return outcome
}
const end = (sale: SaleFigures, id: string, reason: 'UNPAID' | 'BUYER') =>
  world.stock.release(name(sale, id), { status: 'CANCELLED', reason, giveBack: true })

describe('the rules of the opening', () => {
  test('a ticket buys until the order that it bought has ended', async () => {
    const sale = await loaded({ ticket: TICKET })
    const ticket = { ticketGivenAtMs: Date.now() - 1_000 }
    expect(await buy(sale, '1', ticket)).toMatchObject({ status: 'RESERVED' })
    expect(await buy(sale, '2', ticket)).toMatchObject({ status: 'DUPLICATE' })
    await end(sale, '1', 'BUYER')
    expect(await buy(sale, '3', ticket)).toEqual({ status: 'TICKET_USED' })
    // Of another purchase of the buyer, and of another buyer, in the same call.
    expect(
      await buyTogether(sale, [
        { id: '4', ...ticket, key: 'other' },
        { id: '5', ...ticket },
        { id: '6', ...ticket, buyerId: 'bob' },
        { id: '7', ticketGivenAtMs: Date.now() + 1_000 },
      ]),
    ).toMatchObject([{ status: 'RESERVED' }, { status: 'TICKET_USED' }, { status: 'RESERVED' }, { status: 'RESERVED' }])
  })

  test('an admission from a draw buys until any order of the buyer has ended', async () => {
    const sale = await loaded({ draw: { admissionSeconds: 60 } })
    const drawn = { ticketGivenAtMs: 0 }
    expect(await buy(sale, '1', drawn)).toMatchObject({ status: 'RESERVED' })
    expect(await buy(sale, '2', drawn)).toMatchObject({ status: 'DUPLICATE' })
    await end(sale, '1', 'BUYER')
    expect(await buy(sale, '3', drawn)).toEqual({ status: 'TICKET_USED' })
    expect(await buy(sale, '4', { ...drawn, key: 'other' })).toEqual({ status: 'TICKET_USED' })
    expect(await buy(sale, '5', { ...drawn, buyerId: 'bob' })).toMatchObject({ status: 'RESERVED' })
  })

  test('orders under other keys do not make the record forget which tickets were used', async () => {
    const sale = await loaded({ ticket: TICKET })
    const ticketGivenAtMs = Date.now() - 1_000
    const keys = Array.from({ length: 9 }, (_, i) => `k${i}`)
    for (const key of keys.slice(0, 8)) {
      expect(await buy(sale, key, { key, ticketGivenAtMs })).toMatchObject({ status: 'RESERVED' })
      await end(sale, key, 'BUYER')
    }
    for (const key of keys)
      expect(await buy(sale, 'again', { key, ticketGivenAtMs })).toEqual({ status: 'TICKET_USED' })
    for (const key of ['k8', 'k9']) {
      const fresh = { key, ticketGivenAtMs: Date.now() + 500 }
      expect(await buy(sale, key, fresh)).toMatchObject({ status: 'RESERVED' })
      await end(sale, key, 'BUYER')
    }
    // By now the first order is forgotten.
    expect(await world.stock.readReservation(name(sale, 'k0'))).toBeUndefined()
    expect(await buy(sale, 'again', { key: 'k0', ticketGivenAtMs })).toEqual({ status: 'TICKET_USED' })
  })

  test("a ticket of a time to come, from before the server's clock stepped back, buys once", async () => {
    const sale = await loaded({ ticket: TICKET })
    const ticket = { ticketGivenAtMs: Date.now() + 3_600_000 }
    expect(await buy(sale, '1', ticket)).toMatchObject({ status: 'RESERVED' })
    expect(await buy(sale, '2', ticket)).toMatchObject({ status: 'DUPLICATE' })
    await end(sale, '1', 'BUYER')
    expect(await buy(sale, '3', ticket)).toEqual({ status: 'TICKET_USED' })
    expect(await buy(sale, '4', { ...ticket, key: 'other' })).toMatchObject({ status: 'RESERVED' })
  })

  test('a purchase that was rejected leaves its ticket valid', async () => {
    const sale = await loaded({ ticket: TICKET })
    const ticket = { ticketGivenAtMs: Date.now() - 1_000 }
    await buy(sale, '1', ticket)
    await world.stock.release(name(sale, '1'), { status: 'REJECTED', reason: 'BUSY', giveBack: true })
    expect(await buy(sale, '2', ticket)).toMatchObject({ status: 'RESERVED' })
  })

  test('a buyer waits after the last of so many lapsed orders, also with cancelled ones in between', async () => {
    const sale = await loaded({ lapses: { max: 2, waitSeconds: 60 } })
    await buy(sale, 'a1', { key: 'a1' })
    await end(sale, 'a1', 'UNPAID')
    for (let i = 0; i < 12; i++) {
      expect(await buy(sale, `c${i}`, { key: `c${i}` })).toMatchObject({ status: 'RESERVED' })
      await end(sale, `c${i}`, 'BUYER')
    }
    await buy(sale, 'a2', { key: 'a2' })
    await end(sale, 'a2', 'UNPAID')
    const refused = await buy(sale, 'a3', { key: 'a3' })
    expect(refused).toMatchObject({ status: 'LAPSED' })
    const { retryAfterMs } = refused as { retryAfterMs: number }
    expect(retryAfterMs > 0 && retryAfterMs <= 60_000).toBe(true)
    expect(await buy(sale, 'b1', { buyerId: 'bob' })).toMatchObject({ status: 'RESERVED' })
    expect(await buy({ ...sale, opening: {} }, 'a4', { key: 'a4' })).toMatchObject({ status: 'RESERVED' })
    expect(await world.stock.readReservation(name(sale, 'a2'))).toMatchObject({ status: 'CANCELLED', reason: 'UNPAID' })
  })

  test('a lapsed order keeps the number of its terms', async () => {
    const sale = { ...(await loaded({})), terms: 3 }
    await world.redis.hset(world.stock.keys.sale(sale.saleId), 'terms', 3)
    await buy(sale, '1')
    await end(sale, '1', 'UNPAID')
    expect(await world.stock.readReservation(name(sale, '1'))).toMatchObject({ terms: 3, reason: 'UNPAID' })
    expect(await buy(sale, '2')).toMatchObject({ status: 'RESERVED' })
  })
})
