import { afterEach, expect, test, vi } from 'vitest'
import type { ReservationRecord } from '../core/stock/reservation.ts'
import type { ReserveOutcome, ReserveRequest } from '../core/stock/reserving.ts'
import type { SaleFigures } from '../core/stock/sale-figures.ts'
import { shardOf } from '../core/stock/shards.ts'
import { eventually } from '../test/support/eventually.ts'
import { generous } from '../test/support/reserve-one.ts'
import { reserveInBatches } from './reserve-in-batches.ts'

afterEach(() => vi.restoreAllMocks())

const sale = (saleId: string, epoch = 1): SaleFigures => ({
  saleId,
  epoch,
  title: 'A sale',
  priceCents: 100,
  total: 10,
  left: 10,
  perBuyerLimit: 1,
  opensAtMs: 0,
  closesAtMs: 1,
})
const request = (buyerId: string): ReserveRequest => ({
  reservationId: `id of ${buyerId}`,
  buyerId,
  address: '192.0.2.1',
  quantity: 1,
  limitPerBuyer: 1,
})

const heldBy = ({ reservationId, buyerId }: ReserveRequest): ReservationRecord => ({
  reservationId,
  buyerId,
  status: 'RESERVED',
  quantity: 1,
  epoch: 1,
  reservedAtMs: 1,
})

/** Answers DUPLICATE, each call when it is let go. */
function heldStock() {
  const calls: { saleId: string; epoch: number; buyers: string[]; letGo: () => void }[] = []
  return {
    calls,
    reserve: ({ saleId, epoch }: Pick<SaleFigures, 'saleId' | 'epoch'>, requests: ReserveRequest[]) =>
      new Promise<ReserveOutcome[]>((resolve) => {
        const letGo = () => resolve(requests.map((asked) => ({ status: 'DUPLICATE', reservation: heldBy(asked) })))
        calls.push({ saleId, epoch, buyers: requests.map(({ buyerId }) => buyerId), letGo })
      }),
  }
}

test('each sale and epoch of a batch has a call of its own, and each buyer gets their own outcome', async () => {
  const stock = heldStock()
  const reserve = reserveInBatches(stock, generous)
  const answers = Promise.all([
    reserve(sale('a'), request('ann')),
    reserve(sale('b'), request('bob')),
    reserve(sale('a', 2), request('carl')),
    reserve(sale('a'), request('dora')),
  ])
  await eventually(
    'three calls',
    () => stock.calls.length,
    (count) => count === 3,
  )
  expect(stock.calls.map(({ saleId, epoch, buyers }) => [saleId, epoch, buyers])).toEqual([
    ['a', 1, ['ann', 'dora']],
    ['b', 1, ['bob']],
    ['a', 2, ['carl']],
  ])
  for (const { letGo } of stock.calls) letGo()
  expect((await answers).map((outcome) => outcome.status === 'DUPLICATE' && outcome.reservation.buyerId)).toEqual([
    'ann',
    'bob',
    'carl',
    'dora',
  ])
})

test('a buyer who has queued for too long is told to come back and reserves nothing', async () => {
  let nowMs = performance.now()
  vi.spyOn(performance, 'now').mockImplementation(() => nowMs)
  const stock = heldStock()
  const reserve = reserveInBatches(stock, { ...generous, patienceMs: 50 })
  const buyers = Array.from({ length: 200 }, (_, i) => `buyer ${i}`)
  const answers = Promise.all(buyers.map((buyer) => reserve(sale('slow'), request(buyer))))
  await eventually(
    'all calls to be under way',
    () => stock.calls.length,
    (count) => count === 4,
  )
  nowMs += 60
  for (const { letGo } of stock.calls) letGo()
  const outcomes = await answers
  const asked = stock.calls.flatMap((call) => call.buyers)
  expect(asked).toHaveLength(128)
  expect(outcomes.filter(({ status }) => status === 'UNAVAILABLE')).toHaveLength(72)
})

test('a shard whose server does not answer keeps no buyer of another shard waiting', async () => {
  const [lost, other] = ['ann', 'carl']
  expect([lost, other].map((buyerId) => shardOf(buyerId, 8))).toEqual([1, 7])
  const stock = heldStock()
  const reserve = reserveInBatches(stock, generous)
  const sharded = { ...sale('a'), shards: 8 }
  const waiting = Promise.all(Array.from({ length: 500 }, () => reserve(sharded, request(lost))))
  const answer = reserve(sharded, request(other))
  const ofOther = await eventually(
    'a call for the other shard',
    () => stock.calls.find(({ buyers }) => buyers.includes(other)),
    (call) => call !== undefined,
  )
  ofOther?.letGo()
  expect(await answer).toMatchObject({ status: 'DUPLICATE', reservation: { buyerId: other } })
  const letAllGo = setInterval(() => stock.calls.splice(0).forEach(({ letGo }) => letGo()), 1)
  await waiting
  clearInterval(letAllGo)
})
