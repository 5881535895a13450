import { Registry } from 'prom-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../../../test/support/eventually.ts'
import { RawConnection } from '../../../test/support/raw-http.ts'
import { startHttp } from './http-service.ts'
import { jsonBody } from './json-body.ts'
import { createLog } from '../process/log.ts'

/** Answers /held when the test says so, /partly with the beginning of an answer, other paths at once. */
let http: Awaited<ReturnType<typeof startHttp>>
let held: (() => void)[] = []
beforeAll(async () => {
  http = await startHttp({
    host: '127.0.0.1',
    port: 0,
    log: createLog('test', 'silent'),
    metrics: new Registry(),
    checks: {},
    routes(app) {
      app.all('/held', (_req, res) => {
        held.push(() => {
          res.json({ held: true })
        })
      })
      app.get('/partly', (_req, res) => {
        res.writeHead(200, { 'content-length': 100 }).write('the beginning')
      })
      app.post('/body', jsonBody(), (req, res) => {
        res.json(req.body)
      })
    },
  })
})
afterAll(() => http.close())

const HOST = 'Host: shop\r\n'
const get = (path: string) => `GET ${path} HTTP/1.1\r\n${HOST}\r\n`
const CHUNKED_JSON = 'Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n'
const POST_BROKEN = `POST /body HTTP/1.1\r\n${HOST}${CHUNKED_JSON}\r\nzz\r\n`
const UNREADABLE: [name: string, bytes: string, status: number][] = [
  ['bytes that are no HTTP', 'nonsense\r\n\r\n', 400],
  ['a request with two lengths', `POST / HTTP/1.1\r\n${HOST}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`, 400],
  ['a header of 20 KB', `GET / HTTP/1.1\r\n${HOST}X: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
  ['a body with invalid chunks', POST_BROKEN, 400],
  ['a CONNECT', `CONNECT other:80 HTTP/1.1\r\n${HOST}\r\n`, 405],
]

/**
 * Sends the bytes, releases the held answers once the server has read everything, and waits for the connection's end.
 */
async function answersTo(bytes: string, holding: number): Promise<number[]> {
  held = []
  const connection = new RawConnection(`http://127.0.0.1:${http.port}/`).send(bytes)
  await eventually(
    'the requests',
    () => held.length,
    (count) => count === holding,
  )
  // A refusal that wrongly overtakes the held answers has arrived by now.
  await eventually(
    'the server to have read on',
    () => fetch(`http://127.0.0.1:${http.port}/livez`).then(({ ok }) => ok),
    (isAlive) => isAlive,
  )
  expect(connection.received).toBe('')
  for (const answer of held) answer()
  await eventually(
    'the end',
    () => connection.closed,
    (isClosed) => isClosed,
  )
  return connection.answers().map(({ status }) => status)
}

describe('an unparsable request is refused after the answers to the requests before it:', () => {
  test.each(UNREADABLE)('%s', async (_, bytes, status) => {
    expect(await answersTo(get('/held') + bytes, 1)).toEqual([200, status])
  })

  test.each(UNREADABLE)('%s, behind three requests', async (_, bytes, status) => {
    expect(await answersTo(get('/held') + get('/livez') + get('/held') + bytes, 2)).toEqual([200, 200, 200, status])
  })

  test('once, however many bytes follow', async () => {
    expect(await answersTo(`${get('/held')}nonsense\r\n\r\n${get('/livez').repeat(1_000)}`, 1)).toEqual([200, 400])
  })

  test('on a kept-alive connection of HTTP/1.0', async () => {
    const kept = `GET /held HTTP/1.0\r\nConnection: keep-alive\r\n\r\n`
    expect(await answersTo(`${kept}${kept}nonsense\r\n\r\n`, 2)).toEqual([200, 200, 400])
  })

  test('not at all on a connection that ends with the answer before it', async () => {
    expect(await answersTo('GET /held HTTP/1.0\r\n\r\nnonsense\r\n\r\n', 1)).toEqual([200])
    expect(await answersTo(`GET /held HTTP/1.1\r\n${HOST}Connection: close\r\n\r\nnonsense\r\n\r\n`, 1)).toEqual([200])
  })
})

test('an unparsable request after an unfinished answer closes the connection without a refusal', async () => {
  const connection = new RawConnection(`http://127.0.0.1:${http.port}/`).send(get('/partly'))
  await eventually(
    'the beginning',
    () => connection.received,
    (received) => received.endsWith('the beginning'),
  )
  const { received } = connection.send('nonsense\r\n\r\n')
  connection.finish()
  await eventually(
    'its end',
    () => connection.closed,
    (isClosed) => isClosed,
  )
  expect(connection.received).toBe(received)
})

test.each(['1.0', '1.1'])(
  'pipelined requests of HTTP/%s are answered in order, also when the first is the slowest',
  async (version) => {
    held = []
    const of = (path: string) => `GET ${path} HTTP/${version}\r\n${HOST}Connection: keep-alive\r\n\r\n`
    const connection = new RawConnection(`http://127.0.0.1:${http.port}/`).send(
      of('/held') + of('/livez') + of('/nowhere'),
    )
    await eventually(
      'the first',
      () => held.length,
      (count) => count === 1,
    )
    for (const answer of held) answer()
    await eventually(
      'three answers',
      () => connection.answers().map(({ status }) => status),
      ({ length }) => length === 3,
    )
    expect(connection.answers().map(({ status }) => status)).toEqual([200, 200, 404])
    connection.close()
  },
)
