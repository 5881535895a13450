import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ProblemCode } from '../../core/contracts/problems.ts'
import { eventually } from '../support/eventually.ts'
import { expectRefused } from '../support/expect-refused.ts'
import { callUntilAvailable } from '../support/http-client.ts'
import { inParallel } from '../support/parallel.ts'
import { RawConnection } from '../support/raw-http.ts'
import { startSystem, type System } from '../support/system.ts'

let system: System
let saleId: string
beforeAll(async () => {
  system = await startSystem()
  saleId = await system.createSale()
})
afterAll(() => system.close())

const HOST = 'Host: shop\r\n'
/** The hidden request, which must not be read as the next request of another client. */
const HIDDEN = `GET /readyz HTTP/1.1\r\n${HOST}\r\n`
const chunked = (body: string) => `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`
const get = (target: string, headers = '') => `GET ${target} HTTP/1.1\r\n${HOST}${headers}\r\n`
const post = (headers: string, body = '') =>
  `POST /sessions HTTP/1.1\r\n${HOST}Content-Type: application/json\r\n${headers}\r\n${body}`
const manyHeaders = (count: number) => Array.from({ length: count }, (_, i) => `${i.toString(36)}:\r\n`).join('')

/** Sends raw bytes and waits for this many answers, or for the end of the connection. */
async function answersTo(bytes: string | Buffer, count = 1): Promise<RawConnection> {
  const connection = new RawConnection(system.url('/')).send(bytes)
  return eventually(
    'an answer',
    () => connection,
    ({ closed }) => closed || connection.answers().length >= count,
  )
}

/** Expects one refusal and nothing after it: the rest was not read as a request. */
async function expectEnded(bytes: string | Buffer, code: ProblemCode): Promise<void> {
  const connection = await answersTo(bytes, Infinity)
  const [answer, ...more] = connection.answers()
  if (!answer) throw new Error(`Expected ${code}, got "${connection.received}"`)
  expectRefused(answer, code)
  expect(answer.headers.get('connection')).toBe('close')
  expect(more).toEqual([])
}

// Concurrent, because each takes the second that a refused connection lingers.
describe.concurrent('malformed HTTP is refused, and its connection ends', () => {
  test.each<[name: string, bytes: string | Buffer]>([
    ['no request at all', 'hello\r\n\r\n'],
    ['the beginning of TLS', Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3])],
    ['the beginning of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['HTTP/0.9', 'GET /sales\r\n\r\n'],
    ['HTTP/1.2', `GET /sales HTTP/1.2\r\n${HOST}\r\n`],
    ['a Redis command', '*1\r\n$8\r\nFLUSHALL\r\n'],
    ['a method that does not exist', `BREW /sales HTTP/1.1\r\n${HOST}\r\n`],
    ['a method in small letters', `get /sales HTTP/1.1\r\n${HOST}\r\n`],
    ['no Host', 'GET /sales HTTP/1.1\r\n\r\n'],
    [
      'both framings, the length first',
      post('Content-Length: 4\r\nTransfer-Encoding: chunked\r\n', `0\r\n\r\n${HIDDEN}`),
    ],
    [
      'both framings, the chunks first',
      post('Transfer-Encoding: chunked\r\nContent-Length: 4\r\n', `0\r\n\r\n${HIDDEN}`),
    ],
    ['two lengths', post('Content-Length: 2\r\nContent-Length: 3\r\n', '{} ')],
    ['the same length twice', post('Content-Length: 2\r\nContent-Length: 2\r\n', '{}')],
    ['a list of lengths', post('Content-Length: 2, 2\r\n', '{}')],
    ['a negative length', post('Content-Length: -1\r\n')],
    ['a length with a plus', post('Content-Length: +2\r\n', '{}')],
    ['a length in hex', post('Content-Length: 0x2\r\n', '{}')],
    ['a length of 23 digits', post('Content-Length: 99999999999999999999999\r\n')],
    ['an empty length', post('Content-Length:\r\n')],
    ['an encoding called identity', post('Transfer-Encoding: identity\r\n')],
    ['an encoding called xchunked', post('Transfer-Encoding: xchunked\r\n', chunked('{}'))],
    ['chunks and then another encoding', post('Transfer-Encoding: chunked, gzip\r\n', chunked('{}'))],
    [
      'chunks, and another encoding below',
      post('Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n', chunked('{}')),
    ],
    ['a blank before the colon', post('Transfer-Encoding : chunked\r\n', chunked('{}'))],
    ['a header folded over two lines', get('/sales', 'X-A: 1\r\n Transfer-Encoding: chunked\r\n')],
    ['lines that end without a carriage return', 'GET /sales HTTP/1.1\nHost: shop\n\n'],
    ['a carriage return in a header', get('/sales', 'X-A: 1\rX-B: 2\r\n')],
    ['a NUL in a header', get('/sales', 'X-A: a\0b\r\n')],
    ['a header without a name', get('/sales', ': b\r\n')],
    ["a blank in a header's name", get('/sales', 'X A: b\r\n')],
    ['a blank in the target', get('/sales /x')],
    ['a NUL in the target', get('/sa\0les')],
    ['raw UTF-8 in the target', Buffer.from(get('/秒杀'))],
    ['a chunk whose size is no number', post('Transfer-Encoding: chunked\r\n', 'zz\r\n')],
    ['a chunk of negative size', post('Transfer-Encoding: chunked\r\n', '-1\r\n')],
    ['a chunk whose size overflows', post('Transfer-Encoding: chunked\r\n', 'fffffffffffffffff\r\n{}')],
    ['a chunk that is longer than it says', post('Transfer-Encoding: chunked\r\n', '2\r\n{}0\r\n\r\n')],
  ])('%s', async (_, bytes) => {
    await expectEnded(bytes, 'INVALID_REQUEST')
  })

  test('extensions of a chunk without end', () =>
    expectEnded(post('Transfer-Encoding: chunked\r\n', `2;${'x'.repeat(20_000)}\r\n{}\r\n0\r\n\r\n`), 'TOO_LARGE'))
  test('a CONNECT to elsewhere', () => expectEnded(`CONNECT other:80 HTTP/1.1\r\n${HOST}\r\n`, 'METHOD_NOT_ALLOWED'))
  test.each<[name: string, bytes: string]>([
    ['a header of 20 KB', get('/sales', `X-A: ${'a'.repeat(20_000)}\r\n`)],
    ['a target of 20 KB', get(`/${'a'.repeat(20_000)}`)],
    ['101 headers', get('/sales', manyHeaders(100))],
    [
      '2,100 headers, the last of which frames a body',
      get('/orders/1', `${manyHeaders(2_100)}Transfer-Encoding: chunked\r\n`) + chunked(HIDDEN),
    ],
  ])('%s', async (_, bytes) => {
    await expectEnded(bytes, 'HEADERS_TOO_LARGE')
  })
})

describe('unusual but valid HTTP is answered normally', () => {
  test.each<[name: string, bytes: string, status: number]>([
    ['HTTP/1.0 without a Host', 'GET /sales HTTP/1.0\r\n\r\n', 200],
    ['a hundred headers', get('/sales', manyHeaders(99)), 200],
    ['another host in the target', get('http://other/sales'), 200],
    ['another host in the target, of what is handed on', get('http://other:99999/orders/1'), 401],
    ['a target that is no address', get('http://[/sales'), 400],
    ['a target that is a star', `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`, 404],
    ['a target with two slashes', get('//other/sales'), 404],
    ['dots that lead out of what is handed on', get('/orders/../metrics'), 404],
    ['dots that lead out of everything', get('/payments/../../../livez'), 404],
    ['encoded dots that lead out of what is handed on', get('/orders/%2e%2e/metrics'), 404],
    ['a fragment', get('/orders/1#/../metrics'), 401],
    ['an unknown expectation', post('Expect: something\r\nContent-Length: 2\r\n', '{}'), 400],
    ['a wish to speak WebSocket', get('/sales', 'Connection: Upgrade\r\nUpgrade: websocket\r\n'), 200],
    [
      'a wish to speak HTTP/2',
      get('/sales', 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n'),
      200,
    ],
    [
      'a wish to drop the length on the way',
      `POST /orders/1/payments HTTP/1.1\r\n${HOST}Connection: content-length\r\n` +
        `Content-Length: ${HIDDEN.length}\r\n\r\n${HIDDEN}`,
      401,
    ],
    [
      'a token in the trailers',
      post('Transfer-Encoding: chunked\r\n', '2\r\n{}\r\n0\r\nAuthorization: Bearer x\r\n\r\n'),
      400,
    ],
    ['a length of 2^53 - 1, refused before it is sent', post('Content-Length: 9007199254740991\r\n', '{}'), 413],
  ])('%s', async (_, bytes, status) => {
    const connection = await answersTo(bytes)
    const [answer] = connection.answers()
    expect(answer?.status).toBe(status)
    expect(answer?.headers.get('content-type')).toMatch(
      status === 200 ? /^application\/json/ : /^application\/problem\+json/,
    )
    connection.close()
  })

  test('a body is asked for where the client waits for that', async () => {
    const connection = await answersTo(post('Expect: 100-continue\r\nContent-Length: 14\r\n', '{"name":"pat"}'), 2)
    expect(connection.answers().map(({ status }) => status)).toEqual([100, 200])
    connection.close()
  })
})

describe('pipelined requests', () => {
  const token = () => system.signIn('pipelined')
  const purchase = (bearer: string) =>
    `POST /sales/${saleId}/reservations HTTP/1.1\r\n${HOST}Authorization: Bearer ${bearer}\r\n\r\n`

  test('are answered in order: fifty purchases of one buyer are one', async () => {
    const connection = await answersTo(purchase(await token()).repeat(50), 50)
    const answers = connection.answers()
    expect(answers.map(({ status }) => status)).toEqual(Array<number>(50).fill(202))
    expect(new Set(answers.map(({ text }) => (JSON.parse(text) as { id: string }).id)).size).toBe(1)
    connection.close()
  })

  test('of different kinds are answered in order, also when the first is the slowest', async () => {
    const connection = await answersTo(purchase(await token()) + get('/livez') + get('/nowhere') + get('/sales'), 4)
    expect(connection.answers().map(({ status }) => status)).toEqual([202, 200, 404, 200])
    connection.close()
  })

  test('of a purchase and then of nonsense: the purchase is answered first', async () => {
    const connection = await answersTo(`${purchase(await token())}nonsense\r\n\r\n`, Infinity)
    expect(connection.answers().map(({ status }) => status)).toEqual([202, 400])
  })

  test("and end in nonsense get whole answers or none, and no other request's", async () => {
    const connection = await answersTo(`${get('/livez').repeat(5)}nonsense\r\n\r\n${get('/sales')}`, Infinity)
    for (const { status, text } of connection.answers()) {
      expect([200, 400]).toContain(status)
      expect(text).not.toContain('"sales"')
    }
    expect(connection.closed).toBe(true)
  })
})

describe("a body that holds another request does not reach the next buyer's connection to the order service", () => {
  // http-proxy strips the framing of a DELETE's or OPTIONS' body and still sends the body: on a kept-alive connection it
  // becomes the next request, and every buyer after it gets another buyer's answer.
  test.each<[name: string, attack: () => string, refusal: number]>([
    [
      'of a DELETE',
      () => `DELETE /orders/${randomUUID()} HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n${chunked(HIDDEN)}`,
      405,
    ],
    [
      'of an OPTIONS',
      () => `OPTIONS /orders/${randomUUID()} HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n${chunked(HIDDEN)}`,
      405,
    ],
    [
      'of a GET',
      () => `GET /orders/${randomUUID()} HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n${chunked(HIDDEN)}`,
      401,
    ],
    [
      'of a HEAD',
      () => `HEAD /orders/${randomUUID()} HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n${chunked(HIDDEN)}`,
      401,
    ],
    // By default Node exposes the first 2,000 headers: the hidden one has the framing.
    [
      'of a GET, behind 2,000 headers',
      () =>
        `GET /orders/${randomUUID()} HTTP/1.1\r\n${manyHeaders(1_999)}${HOST}` +
        `Transfer-Encoding: chunked\r\n\r\n${chunked(HIDDEN)}`,
      431,
    ],
    [
      'of a GET whose framing is to be dropped',
      () =>
        get(`/orders/${randomUUID()}`, 'Connection: transfer-encoding\r\nTransfer-Encoding: chunked\r\n') +
        chunked(HIDDEN),
      401,
    ],
    [
      'of a GET with a length',
      () => get(`/orders/${randomUUID()}`, `Content-Length: ${HIDDEN.length}\r\n`) + HIDDEN,
      401,
    ],
    [
      'of a POST that wants to upgrade',
      () =>
        `POST /orders/1/payments HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: h2c\r\n` +
        `Content-Length: ${HIDDEN.length}\r\n\r\n${HIDDEN}`,
      401,
    ],
  ])('%s', async (_, attack, refusal) => {
    const token = await system.signIn('innocent')
    const attacks = inParallel(60, 10, async () => {
      const connection = new RawConnection(system.url('/')).send(attack())
      // The answer to a HEAD ends here, despite its Content-Length.
      await eventually(
        'an answer',
        () => connection.received,
        (received) => received.includes('\r\n\r\n'),
      )
      connection.close()
      return Number(/^HTTP\/1\.1 (\d+)/.exec(connection.received)?.[1])
    })
    const innocent = await inParallel(60, 10, () =>
      callUntilAvailable('GET', system.url(`/orders/${randomUUID()}`), { token }),
    )
    expect(new Set(innocent.map((answer) => `${answer.status} ${String(answer.body.code)}`))).toEqual(
      new Set(['404 NOT_FOUND']),
    )
    expect(new Set(await attacks)).toEqual(new Set([refusal]))
  })
})

test('every unit is accounted for', async () => {
  expect(await system.auditAtRest()).toMatchObject({ balanced: true, sales: [{ sold: 1 }] })
})
