import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { signBody } from '../../core/platform/http/signature.ts'
import { eventually } from '../support/eventually.ts'
import { expectRefused } from '../support/expect-refused.ts'
import { type Answer, call, callUntilAvailable } from '../support/http-client.ts'
import { inParallel } from '../support/parallel.ts'
import { startSystem, type System } from '../support/system.ts'

/** Through the gateway, like the provider; the order service has tests of its own. */
let system: System
let saleId: string
let victim: Awaited<ReturnType<typeof ordered>>

beforeAll(async () => {
  system = await startSystem()
  saleId = await system.createSale({ stock: 50 })
  victim = await ordered('victim')
})
afterAll(() => system.close())

let people = 0
/** An unpaid order with its payment and a valid callback. */
async function ordered(name = `payer ${people++}`) {
  const token = await system.signIn(name)
  const { body } = await system.buy(saleId, token)
  const orderId = String((await system.settled(String(body.id), token)).orderId)
  const { body: payment } = await call('POST', system.url(`/orders/${orderId}/payments`), { token })
  return {
    token,
    orderId,
    money: {
      paymentId: String(payment.paymentId),
      orderId,
      amountCents: 1_000,
      currency: 'CNY',
      providerRef: `ref-${randomUUID()}`,
    },
  }
}

const secret = () => system.env.PAYMENT_SECRET ?? ''
const send = (body: unknown, signature?: string, path = '/payments/callback') =>
  callUntilAvailable('POST', system.url(path), {
    body,
    headers: signature === undefined ? {} : { 'payment-signature': signature },
  })
const signed = (money: object) => send(JSON.stringify(money), signBody(secret(), JSON.stringify(money)))
const statusOf = async ({ orderId, token }: { orderId: string; token: string }) =>
  (await call('GET', system.url(`/orders/${orderId}`), { token })).body.status

/** Correctly signed callbacks, which the attacks modify. */
const body = () => JSON.stringify(victim.money)
const good = () => signBody(secret(), body())
const partsOf = (signature: string) => /^t=(\d+),v1=(\w+)$/.exec(signature)?.slice(1) as [string, string]

describe('a callback is refused when', () => {
  test.each<[name: string, signature: () => string | undefined]>([
    ['it is not signed', () => undefined],
    ['the signature is empty', () => ''],
    ['the signature is a blank', () => ' '],
    ['the signature has no time', () => `v1=${partsOf(good())[1]}`],
    ['the signature has no digest', () => `t=${partsOf(good())[0]}`],
    ['the signature has an empty digest', () => `t=${partsOf(good())[0]},v1=`],
    ['the digest is cut short', () => good().slice(0, -1)],
    ['the digest has a digit more', () => `${good()}0`],
    [
      'the digest is in capitals',
      () => good().replace(/v1=.*/, (digest) => `v1=${digest.slice(3).toUpperCase()}x`.slice(0, 67)),
    ],
    ['the digest is all zeros', () => good().replace(/v1=.*/, `v1=${'0'.repeat(64)}`)],
    ['the digest calls itself v0', () => good().replace('v1', 'v0')],
    ['time and digest have changed places', () => good().split(',').reverse().join(',')],
    ['there is a blank between them', () => good().replace(',', ', ')],
    ['there are two signatures, one of them right', () => `${good()},v1=${'0'.repeat(64)}`],
    ['the time was moved after signing', () => good().replace(/t=(\d+)/, (_, t: string) => `t=${Number(t) + 1}`)],
    ['the time is negative', () => good().replace('t=', 't=-')],
    ['the time is no number', () => good().replace(/t=\d+/, 't=now')],
    ['the time has 13 digits', () => good().replace(/t=\d+/, `t=${Date.now()}`)],
    ['it was signed six minutes ago', () => signBody(secret(), body(), Date.now() - 360_000)],
    ['it is signed for in six minutes', () => signBody(secret(), body(), Date.now() + 360_000)],
    ['it was signed in 1970', () => signBody(secret(), body(), 0)],
    ['another body was signed', () => signBody(secret(), JSON.stringify({ ...victim.money, amountCents: 1 }))],
    ['an empty body was signed', () => signBody(secret(), '')],
    ['the body was signed with a line break', () => signBody(secret(), `${body()}\n`)],
    ['it is signed with another secret', () => signBody('x'.repeat(48), body())],
    ["it is signed with the secret of the buyers' tokens", () => signBody(system.env.TOKEN_SECRET ?? '', body())],
    ['it is signed with the admin token', () => signBody(system.env.ADMIN_TOKEN ?? '', body())],
    ['it is signed with nothing', () => signBody('', body())],
    ['the signature has 8,000 letters', () => 'x'.repeat(8_000)],
  ])('%s', async (_, signature) => {
    expectRefused(await send(body(), signature()), 'BAD_SIGNATURE')
  })

  test.each<[name: string, altered: () => string]>([
    ['another amount', () => body().replace('1000', '1')],
    ['another order', () => body().replace(victim.orderId, randomUUID())],
    ['a blank more', () => body().replace(':', ': ')],
    ['its fields in another order', () => JSON.stringify(Object.fromEntries(Object.entries(victim.money).reverse()))],
    ['nothing in it', () => ''],
    ['a second amount', () => body().replace('}', ',"amountCents":1000}')],
  ])('the body was altered: %s', async (_, altered) => {
    expectRefused(await send(altered(), good()), 'BAD_SIGNATURE')
  })

  test('the signature stands in the address, or under another name', async () => {
    expectRefused(await send(body(), undefined, `/payments/callback?Payment-Signature=${good()}`), 'BAD_SIGNATURE')
    expectRefused(
      await call('POST', system.url('/payments/callback'), {
        body: body(),
        headers: { 'x-payment-signature': good() },
      }),
      'BAD_SIGNATURE',
    )
  })

  test('a buyer sends it, with their token', async () => {
    expectRefused(
      await call('POST', system.url('/payments/callback'), { body: body(), token: victim.token }),
      'BAD_SIGNATURE',
    )
  })

  test('after all attacks the order is unpaid', async () => {
    expect(await statusOf(victim)).toBe('PENDING_PAYMENT')
    expect(
      await system.world.database.payment.count({ where: { orderId: victim.orderId, NOT: { receivedAt: null } } }),
    ).toBe(0)
  })
})

describe('signed, but malformed:', () => {
  test.each<[name: string, spoil: (money: object) => unknown]>([
    ['no payment', (money) => ({ ...money, paymentId: undefined })],
    ['a payment of no possible id', (money) => ({ ...money, paymentId: '1' })],
    ['an order of no possible id', (money) => ({ ...money, orderId: 'x'.repeat(5_000) })],
    ['a negative amount', (money) => ({ ...money, amountCents: -1_000 })],
    ['an amount of 2^53', (money) => ({ ...money, amountCents: 2 ** 53 })],
    ['an amount in words', (money) => ({ ...money, amountCents: '1000' })],
    ['no reference', (money) => ({ ...money, providerRef: '' })],
    ['a reference of 101 letters', (money) => ({ ...money, providerRef: 'x'.repeat(101) })],
    ['a reference that is a list', (money) => ({ ...money, providerRef: ['ref'] })],
    ['no currency', (money) => ({ ...money, currency: undefined })],
    ['another currency', (money) => ({ ...money, currency: 'JPY' })],
    ['a list', (money) => [money]],
    ['null', () => null],
  ])('%s', async (_, spoil) => {
    expectRefused(await signed(spoil(victim.money) as object), 'INVALID_REQUEST')
  })

  test('a reference with NUL, which PostgreSQL cannot keep', async () => {
    expectRefused(await signed({ ...victim.money, providerRef: 'a\0b' }), 'INVALID_REQUEST')
  })
  test('a reference with an unpaired surrogate, which UTF-8 cannot hold', async () => {
    expectRefused(await signed({ ...victim.money, providerRef: 'a\ud800b' }), 'INVALID_REQUEST')
  })
})

describe('signed and well-formed, but wrong', () => {
  test('the amount is another: not valid, nothing changes', async () => {
    expectRefused(await signed({ ...victim.money, amountCents: 999 }), 'INVALID_REQUEST')
  })
  test('the amount is 0: not valid, nothing changes', async () => {
    expectRefused(await signed({ ...victim.money, amountCents: 0 }), 'INVALID_REQUEST')
  })
  test('the amount is larger: not valid, nothing changes', async () => {
    expectRefused(await signed({ ...victim.money, amountCents: 2_147_483_647 }), 'INVALID_REQUEST')
  })
  test('the amount is more than the database can hold: not valid, nothing changes', async () => {
    expectRefused(await signed({ ...victim.money, amountCents: 2_147_483_648 }), 'INVALID_REQUEST')
  })
  test("the order is another's: not found, both stay unpaid", async () => {
    const other = await ordered()
    expectRefused(await signed({ ...victim.money, orderId: other.orderId }), 'NOT_FOUND')
    expect([await statusOf(victim), await statusOf(other)]).toEqual(['PENDING_PAYMENT', 'PENDING_PAYMENT'])
  })
  test('it comes before there is such an order: not found, to be repeated', async () => {
    expectRefused(await signed({ ...victim.money, orderId: randomUUID(), paymentId: randomUUID() }), 'NOT_FOUND')
    expectRefused(await signed({ ...victim.money, paymentId: randomUUID() }), 'NOT_FOUND')
    expect(await statusOf(victim)).toBe('PENDING_PAYMENT')
  })
})

/**
 * Without the first, which may say that it counted; its answer may also have come too late, and then the repeat says
 * that it had.
 */
function afterTheFirst(outcomes: string[], first = '200 PAID'): string[] {
  const at = Math.max(outcomes.indexOf(first), 0)
  return outcomes.toSpliced(at, 1)
}

test('repeated 50 times at once, money counts once and nothing is refunded', async () => {
  const payer = await ordered()
  const outcomes = (await inParallel(50, 25, () => signed(payer.money))).map(
    (answer: Answer) => `${answer.status} ${String(answer.body.outcome)}`,
  )
  expect(afterTheFirst(outcomes)).toEqual(Array<string>(49).fill('200 ALREADY_COUNTED'))
  expect(await statusOf(payer)).toBe('PAID')
  expect(await system.world.database.refund.count({ where: { payment: { orderId: payer.orderId } } })).toBe(0)
})

test('after a cancellation, 50 times at once, it makes one refund, and the order stays cancelled', async () => {
  const payer = await ordered()
  expect((await call('POST', system.url(`/orders/${payer.orderId}/cancellation`), { token: payer.token })).status).toBe(
    200,
  )
  const outcomes = (await inParallel(50, 25, () => signed(payer.money))).map(
    (answer: Answer) => `${answer.status} ${String(answer.body.outcome)}`,
  )
  expect(afterTheFirst(outcomes, '200 REFUND_DUE')).toEqual(Array<string>(49).fill('200 ALREADY_COUNTED'))
  const refunds = await eventually(
    'the refund to be sent',
    () => system.world.database.refund.findMany({ where: { payment: { orderId: payer.orderId } } }),
    (found) => found.every(({ completedAt }) => completedAt !== null),
  )
  expect(refunds).toHaveLength(1)
  expect(await statusOf(payer)).toBe('CANCELLED')
})

test('a second reference for a counted payment counts nothing more', async () => {
  const payer = await ordered()
  expect((await signed(payer.money)).body.outcome).toBe('PAID')
  expect((await signed({ ...payer.money, providerRef: 'another' })).body.outcome).toBe('ALREADY_COUNTED')
  expect(await system.world.database.refund.count({ where: { payment: { orderId: payer.orderId } } })).toBe(0)
})

test('a reference of another payment is refused, and changes nothing', async () => {
  const [first, second] = [await ordered(), await ordered()]
  expect((await signed(first.money)).body.outcome).toBe('PAID')
  expectRefused(await signed({ ...second.money, providerRef: first.money.providerRef }), 'INVALID_REQUEST')
  expect(await statusOf(second)).toBe('PENDING_PAYMENT')
})

test('the callback that the attacks are derived from is valid: it pays', async () => {
  expect(await send(body(), good())).toMatchObject({ status: 200, body: { outcome: 'PAID' } })
  expect(await statusOf(victim)).toBe('PAID')
})

test('every unit is accounted for', async () => {
  expect(await system.auditAtRest()).toMatchObject({ balanced: true })
})
