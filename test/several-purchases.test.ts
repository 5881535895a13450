import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from './support/eventually.ts'
import { type Answer, call } from './support/http-client.ts'
import { Ledger } from './support/ledger.ts'
import { RawConnection } from './support/raw-http.ts'
import { startSystem, type System } from './support/system.ts'

const LIMIT = 3

let system: System
let saleId: string
beforeAll(async () => {
  system = await startSystem()
  saleId = await system.createSale({ stock: 100, perBuyerLimit: LIMIT })
})
afterAll(() => system.close())

/** A buyer who holds nothing yet. */
async function newBuyer(name: string, sale = saleId) {
  const token = await system.signIn(name)
  const buy = (key: string | undefined, body: object = {}) =>
    system.buy(sale, token, body, key === undefined ? {} : { 'idempotency-key': key })
  const ordered = (answer: Answer) => system.settled(String(answer.body.id), token, ['ORDERED'])
  /** @returns once the units are back. */
  async function cancel(answer: Answer): Promise<void> {
    const { orderId } = await ordered(answer)
    const cancelled = await call('POST', system.url(`/orders/${String(orderId)}/cancellation`), { token })
    expect(cancelled.status).toBe(200)
    await system.settled(String(answer.body.id), token, ['CANCELLED'])
  }
  return { token, buy, ordered, cancel }
}

const reused = (held: Answer) => ({ status: 422, body: { code: 'KEY_REUSED', reservation: { id: held.body.id } } })
const limitReached = (detail: string) => ({ status: 409, body: { code: 'LIMIT_REACHED', detail } })

describe('a purchase is named by its key', () => {
  test('the same key and body get the same reservation, before and after its order', async () => {
    const { buy, ordered } = await newBuyer('repeating')
    const wanted = { quantity: 2, points: 0 }
    const first = await buy('a', wanted)
    expect(first).toMatchObject({ status: 202, body: { status: 'RESERVED', quantity: 2 } })
    expect((await buy('a', wanted)).body.id).toBe(first.body.id)
    await ordered(first)
    expect(await buy('a', wanted)).toMatchObject({ status: 202, body: { id: first.body.id, status: 'ORDERED' } })
  })

  test('another key is another purchase, and no key is one more', async () => {
    const { buy } = await newBuyer('collecting')
    const answers = [await buy('a'), await buy('b'), await buy(undefined)]
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202])
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(3)
    expect((await buy(undefined)).body.id).toBe(answers[2]?.body.id)
    expect((await buy('a')).body.id).toBe(answers[0]?.body.id)
  })

  test('a key is the own one of each buyer', async () => {
    const [one, other] = [await newBuyer('one'), await newBuyer('other')]
    expect((await one.buy('shared')).body.id).not.toBe((await other.buy('shared', { quantity: 2 })).body.id)
  })

  test.each([
    ['quantity', { quantity: 2, coupon: 'HELLO-1', points: 5 }],
    ['coupon', { coupon: 'HELLO-2', points: 5 }],
    ['points', { coupon: 'HELLO-1', points: 6 }],
    ['coupon left out', { points: 5 }],
  ])('the same key with another %s is refused, and the answer shows what is held', async (what, other) => {
    // In a sale of its own: without subscribers these orders never come to rest.
    const { buy } = await newBuyer(`changing ${what}`, await system.createSale({ perBuyerLimit: LIMIT }))
    const first = await buy('a', { coupon: 'HELLO-1', points: 5 })
    expect(first).toMatchObject({ status: 202, body: { quantity: 1, coupon: 'HELLO-1', points: 5 } })
    expect(await buy('a', other)).toMatchObject({
      status: 422,
      body: { code: 'KEY_REUSED', reservation: { id: first.body.id, quantity: 1, coupon: 'HELLO-1', points: 5 } },
    })
  })

  test('without a key another body is refused, too', async () => {
    const { buy } = await newBuyer('unnamed')
    const first = await buy(undefined)
    expect(await buy(undefined, { quantity: 2 })).toMatchObject(reused(first))
  })
})

describe('the limit per buyer', () => {
  test('holds over all purchases of a buyer, and the refusal says what is held', async () => {
    const { buy } = await newBuyer('greedy')
    await buy('a')
    expect(await buy('b', { quantity: 3 })).toMatchObject(
      limitReached('You hold 1 of the 3 units that you may have in this sale; ask for at most 2.'),
    )
    expect((await buy('c', { quantity: 2 })).status).toBe(202)
    expect(await buy('d')).toMatchObject(limitReached('You hold 3 of the 3 units that you may have in this sale.'))
    expect((await buy('a')).status).toBe(202)
  })

  test('a quantity above it is an invalid request, also of a buyer who holds units', async () => {
    const { buy } = await newBuyer('too many')
    expect(await buy('a', { quantity: LIMIT + 1 })).toMatchObject({
      status: 400,
      body: { code: 'INVALID_REQUEST', errors: [{ path: 'quantity', message: 'expected at most 3' }] },
    })
  })

  test('what was cancelled may be bought again, under the same key and under another', async () => {
    const { buy, cancel } = await newBuyer('doubtful')
    const [two, one] = [await buy('two', { quantity: 2 }), await buy('one')]
    await cancel(two)
    const again = await buy('two', { quantity: 1 })
    expect(again).toMatchObject({ status: 202, body: { quantity: 1 } })
    expect(again.body.id).not.toBe(two.body.id)
    expect((await buy('third')).status).toBe(202)
    expect((await buy('fourth')).body.code).toBe('LIMIT_REACHED')
    expect((await buy('one')).body.id).toBe(one.body.id)
  })

  test('what was refunded may be bought again', async () => {
    const { token, buy, ordered } = await newBuyer('vetoed')
    const first = await buy('a', { quantity: LIMIT })
    const { orderId } = await ordered(first)
    const payment = await call('POST', system.url(`/orders/${String(orderId)}/payments`), { token })
    await call('POST', String(payment.body.url), { headers: { accept: 'application/json' } })
    await system.settled(String(first.body.id), token, ['PAID'])
    expect((await buy('b')).body.code).toBe('LIMIT_REACHED')
    await new Ledger(system.world).refund(String(orderId))
    await system.settled(String(first.body.id), token, ['REFUNDED'])
    const again = await buy('a', { quantity: LIMIT })
    expect(again.status).toBe(202)
    expect(again.body.id).not.toBe(first.body.id)
  })
})

describe('the Idempotency-Key header', () => {
  test('takes 1 to 64 visible ASCII characters', async () => {
    const { buy } = await newBuyer('well-formed')
    for (const key of ['x', `${'k'.repeat(63)}!`, '{"~"}']) expect((await buy(key)).status, key).toBe(202)
  })

  test.each([
    ['empty', ''],
    ['of 65 characters', 'k'.repeat(65)],
    ['not ASCII', 'clé'],
    ['with a blank', 'two words'],
    ['with a tab', 'two\twords'],
  ])('%s is refused', async (what, key) => {
    const { buy } = await newBuyer(`header ${what}`)
    expect(await buy(key)).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST' } })
  })

  test('given twice is refused', async () => {
    const { token } = await newBuyer('header twice')
    const connection = new RawConnection(system.url('/'))
    connection.send(
      `POST /sales/${saleId}/reservations HTTP/1.1\r\nHost: shop\r\nAuthorization: Bearer ${token}\r\n` +
        'Idempotency-Key: a\r\nIdempotency-Key: a\r\nContent-Length: 0\r\n\r\n',
    )
    const [answer] = await eventually(
      'an answer',
      async () => connection.answers(),
      (answers) => answers.length > 0,
    )
    connection.close()
    expect([answer?.status, JSON.parse(answer?.text ?? '{}')]).toMatchObject([400, { code: 'INVALID_REQUEST' }])
  })
})

test('after all of this every unit is accounted for', async () => {
  expect(await system.auditAtRest(saleId)).toMatchObject({ balanced: true })
})
