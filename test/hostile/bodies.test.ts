import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expectRefused } from '../support/expect-refused.ts'
import { call } from '../support/http-client.ts'
import { startSystem, type System } from '../support/system.ts'

let system: System
let saleId: string
let token: string
/** Creates an unpaid order of the buyer in another sale. */
let orderId: string

beforeAll(async () => {
  system = await startSystem()
  saleId = await system.createSale()
  token = await system.signIn('hostile')
  const { body } = await system.buy(await system.createSale(), token)
  orderId = String((await system.settled(String(body.id), token)).orderId)
})
afterAll(() => system.close())

const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
const utf16 = (text: string) => Buffer.from(`\ufeff${text}`, 'utf16le')

const notAnObject: [name: string, body: string | Buffer][] = [
  ['nothing under a content type', ''],
  ['white space', ' \r\n\t'],
  ['half an object', '{"quantity":'],
  ['two objects', '{}{}'],
  ['an object with a comment', '{/* one */}'],
  ['an object with a trailing comma', '{"quantity":1,}'],
  ['single quotes', "{'quantity':1}"],
  ['null', 'null'],
  ['true', 'true'],
  ['a number', '1'],
  ['a text', '"quantity"'],
  ['an empty list', '[]'],
  ['a list of what is right', '[{"quantity":1}]'],
  ['lists in lists, 5,000 deep', nested(5_000)],
  ['lists that are never closed, 16,000 deep', '['.repeat(16_000)],
  ['objects in objects, 2,000 deep', '{"a":'.repeat(2_000) + '1' + '}'.repeat(2_000)],
  ['a byte order mark before it', '\ufeff{}'],
  ['UTF-16', utf16('{"quantity":1}')],
  ['bytes that are no UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d])],
  ['a NUL byte after it', '{}\0'],
  ['form fields', 'quantity=1'],
  ['XML', '<quantity>1</quantity>'],
]

const wrongQuantity: [name: string, quantity: string][] = [
  ['-1', '-1'],
  ['0', '0'],
  ['minus zero', '-0'],
  ['1.5', '1.5'],
  ['1e309', '1e309'],
  ['-1e309', '-1e309'],
  ['1e-400', '1e-400'],
  ['2 where one may have 1', '2'],
  ['1001', '1001'],
  ['2^53', '9007199254740992'],
  ['2^63', '9223372036854775808'],
  ['a thousand digits', '9'.repeat(1_000)],
  ['the text "1"', '"1"'],
  ['a full-width 1', '"１"'],
  ['an empty text', '""'],
  ['true', 'true'],
  ['null', 'null'],
  ['a list', '[1]'],
  ['an object', '{"valueOf":1}'],
  ['deep lists', nested(1_000)],
  ['NaN', 'NaN'],
  ['Infinity', 'Infinity'],
  ['hex', '0x1'],
  ['+1', '+1'],
  ['01', '01'],
  ['1 and then 2, under the same name', '1,"quantity":2'],
]

const unknownField: [name: string, body: string][] = [
  ['colour', '{"quantity":1,"colour":"red"}'],
  ['a price', '{"quantity":1,"priceCents":1}'],
  ['a buyer', '{"quantity":1,"buyerId":"somebody-else"}'],
  ['Quantity with a capital', '{"Quantity":1}'],
  ['__proto__', '{"__proto__":{"quantity":1}}'],
  ['__proto__ beside what is right', '{"quantity":1,"__proto__":{"isAdmin":true}}'],
  ['constructor', '{"constructor":{"prototype":{"quantity":1}}}'],
  ['toString', '{"toString":1}'],
  ['an empty name', '{"":1}'],
  ['a name with NUL', String.raw`{"quantity\u0000":1}`],
  ['a name with an unpaired surrogate', String.raw`{"\ud800":1}`],
  ['a name of 10,000 letters', `{"${'x'.repeat(10_000)}":1}`],
  ['1,000 names', `{${Array.from({ length: 1_000 }, (_, i) => `"f${i}":1`).join()}}`],
]

const buy = (body: string | Buffer, headers: Record<string, string> = {}) => system.buy(saleId, token, body, headers)

describe('a purchase is refused as not valid', () => {
  test.each(notAnObject)('when its body is %s', async (_, body) => {
    expectRefused(await buy(body), 'INVALID_REQUEST')
  })
  test.each(wrongQuantity)('when the quantity is %s', async (_, quantity) => {
    expectRefused(await buy(`{"quantity":${quantity}}`), 'INVALID_REQUEST')
  })
  test.each(unknownField)('when it has a field called %s', async (_, body) => {
    expectRefused(await buy(body), 'INVALID_REQUEST')
  })
})

describe('a purchase is refused for its form', () => {
  test.each([
    'text/plain',
    'text/json',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/xml',
    'application/jsonx',
    'application/problem+json',
    'application/json; charset=utf-16',
    'application/json; charset=latin1',
    'application/json, text/plain',
    '*/*',
    '',
  ])('when it is sent as "%s"', async (type) => {
    expectRefused(await buy('{"quantity":1}', { 'content-type': type }), 'UNSUPPORTED_MEDIA_TYPE')
  })

  test.each(['gzip', 'br', 'deflate', 'identity', 'gzip, gzip'])('when it is encoded as %s', async (encoding) => {
    expectRefused(await buy('{"quantity":1}', { 'content-encoding': encoding }), 'UNSUPPORTED_MEDIA_TYPE')
  })

  test.each([
    ['one byte too many', 16_385],
    ['1 MB', 1_000_000],
    ['16 MB', 16_000_000],
  ])('when it has %s', async (_, bytes) => {
    expectRefused(await buy('{}'.padEnd(bytes)), 'TOO_LARGE')
  })
})

const notAName: [name: string, body: unknown][] = [
  ['no name at all', {}],
  ['an empty name', { name: '' }],
  ['blanks', { name: '   ' }],
  ['41 letters', { name: 'x'.repeat(41) }],
  ['a line break', { name: 'a\nb' }],
  ['NUL', { name: 'a\0b' }],
  ['an escape sequence', { name: '\u001B[2J' }],
  ['markup', { name: '<script>alert(1)</script>' }],
  ['an unpaired surrogate', '{"name":"\\ud800"}'],
  ['writing turned round', { name: 'a\u202Eb' }],
  ['a colon, as keys have', { name: 'a:b' }],
  ['braces, as hash tags have', { name: '{a}' }],
  ['a number', { name: 1 }],
  ['null', { name: null }],
  ['a list', { name: ['alice'] }],
  ['an object', { name: { first: 'alice' } }],
  ['an id to be', { name: 'alice', userId: 'demo-admin' }],
  ['__proto__', '{"name":"alice","__proto__":{"admin":true}}'],
]

const INVISIBLE: [name: string, text: string][] = [
  ['zero-width spaces', '\u200B\u200B'],
  ['a byte order mark and a joiner', '\uFEFF\u200D'],
  ['a Hangul filler', '\u3164'],
  ['an empty braille pattern', '\u2800'],
  ['an accent alone', '\u0301'],
]
const TURNED: [name: string, text: string][] = [
  '\u202A',
  '\u202B',
  '\u202D',
  '\u202E',
  '\u2066',
  '\u2067',
  '\u2068',
].map((sign) => [`U+${sign.charCodeAt(0).toString(16)}`, `${sign}phone`])

test.each([...INVISIBLE, ...TURNED, ['a second line', 'a\u2028b'], ['a colour for a terminal', '\u001B[31mred']])(
  'no name, title or reason has %s',
  async (_, text) => {
    expectRefused(await call('POST', system.url('/sessions'), { body: { name: text } }), 'INVALID_REQUEST')
    const sale = {
      id: 'texts',
      title: text,
      priceCents: 1,
      stock: 1,
      opensAt: '2030-01-01T00:00:00Z',
      closesAt: '2030-01-02T00:00:00Z',
    }
    expectRefused(await system.controlRoom('POST', '/sales', sale), 'INVALID_REQUEST')
    const refused = await system.controlRoom('PUT', '/blacklist/eve', { reason: text })
    expectRefused(refused, 'INVALID_REQUEST')
    expect(refused.body.detail).toMatch(/^reason: expected /)
  },
)

test.each([
  'สมชาย ใจดี',
  "O'Brien",
  'O’Brien',
  'レオナルド・ディカプリオ',
  'Nguyễn',
  'Jean-Luc',
  'José María, Jr.',
  'محمد علی‌رضا',
  'Владимир',
  '李 雷',
  'Łukasz',
  'ශ්‍රී',
  'anna_2',
])('a buyer can sign in as %s, and its decomposed form is the same name', async (name) => {
  const as = async (written: string) =>
    (await call('POST', system.url('/sessions'), { body: { name: written } })).body.userId
  const userId = await as(name)
  expect(userId).toMatch(/^demo-/)
  expect([
    await as(name.normalize('NFD')),
    await as(` ${name.normalize('NFC')} `),
    await as(name.toUpperCase().toLowerCase()),
  ]).toEqual([userId, userId, userId])
})

test('a title in any language is kept composed, with its emoji', async () => {
  const sale = await system.createSale({ title: ' Ca\u0300 phê sữa đá \u{1F469}\u200D\u{1F373} ساعت\u200Cمچی ' })
  expect((await call('GET', system.url(`/sales/${sale}`))).body.title).toBe(
    'C\u00E0 phê sữa đá \u{1F469}\u200D\u{1F373} ساعت\u200Cمچی',
  )
})

test.each(notAName)('sign-in refuses %s', async (_, body) => {
  expectRefused(await call('POST', system.url('/sessions'), { body }), 'INVALID_REQUEST')
})

describe.each(['payments', 'cancellation'])("an order's %s", (what) => {
  const path = () => system.url(`/orders/${orderId}/${what}`)
  test.each([
    ['a field', '{"amountCents":1}'],
    ['__proto__', '{"__proto__":{"amountCents":1}}'],
    ['a list', '[]'],
    ['null', 'null'],
    ['half an object', '{"'],
    ['nothing under a content type', ''],
    ['1,000 deep lists', nested(1_000)],
  ])('takes no body with %s', async (_, body) => {
    expectRefused(await call('POST', path(), { token, body }), 'INVALID_REQUEST')
  })

  test('accepts no other content type', async () => {
    expectRefused(
      await call('POST', path(), { token, body: '{}', headers: { 'content-type': 'text/plain' } }),
      'UNSUPPORTED_MEDIA_TYPE',
    )
  })
  test('accepts no compressed body', async () => {
    expectRefused(
      await call('POST', path(), { token, body: '{}', headers: { 'content-encoding': 'gzip' } }),
      'UNSUPPORTED_MEDIA_TYPE',
    )
  })
  test('accepts no body over 16 KB', async () => {
    expectRefused(await call('POST', path(), { token, body: '{}'.padEnd(16_385) }), 'TOO_LARGE')
  })
})

test('no attack changed anything: no unit taken, the order unpaid, every unit accounted for', async () => {
  expect((await system.world.stock.readSale(saleId))?.left).toBe(10)
  expect(await call('GET', system.url(`/orders/${orderId}`), { token })).toMatchObject({
    status: 200,
    body: { status: 'PENDING_PAYMENT' },
  })
  expect(await system.auditAtRest()).toMatchObject({ balanced: true })
})

test.each([
  ['1.0', '{"quantity":1.0}'],
  ['1e0', '{"quantity":1e0}'],
  ['16 KB to the byte', '{}'.padEnd(16_384)],
  ['an escaped name', String.raw`{"quantit\u0079":1}`],
])('JSON that only looks odd is taken: %s', async (_, body) => {
  expect(await system.buy(saleId, await system.signIn(`odd ${randomUUID().slice(0, 8)}`), body)).toMatchObject({
    status: 202,
    body: { quantity: 1 },
  })
  expect(await system.auditAtRest(saleId)).toMatchObject({ balanced: true })
})
