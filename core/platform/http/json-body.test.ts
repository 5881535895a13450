import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../../../test/support/eventually.ts'
import { readJson } from './json-body.ts'

/** Of all requests, in their order. */
const read: unknown[] = []
const server = createServer((req, res) => {
  // As behind the check of a token.
  void Promise.resolve()
    .then(() => readJson(req))
    .catch((error: Error) => error.message)
    .then((body) => {
      read.push(body)
      res.end('ok')
    })
})
beforeAll(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterAll(() => server[Symbol.asyncDispose]())

const head = (length: number) =>
  `POST / HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`
const post = (body: string) => head(Buffer.byteLength(body)) + body

async function opened(): Promise<Socket> {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').setEncoding('utf8')
  await once(socket, 'connect')
  return socket
}

/** What is read of the pieces, the later ones sent once the server has the first request; all are answered. */
async function readOf(pieces: string[], count: number): Promise<unknown[]> {
  const from = read.length
  const socket = await opened()
  let answers = ''
  socket.on('data', (text: string) => (answers += text))
  const received = once(server, 'request')
  for (const [i, piece] of pieces.entries()) {
    if (i === 1) await received
    socket.write(piece)
  }
  await eventually(
    'all to be answered',
    () => answers.split('HTTP/1.1 200 OK').length - 1,
    (answered) => answered === count,
  )
  socket.destroy()
  return read.slice(from)
}

test('a body is read that comes with its headers', async () => {
  expect(await readOf([post('{"quantity":1,"name":"ä"}')], 1)).toEqual([{ quantity: 1, name: 'ä' }])
})

test('a body is read that comes after its headers, and in pieces', async () => {
  expect(await readOf([head(14), '{"quantity":1}'], 1)).toEqual([{ quantity: 1 }])
  expect(await readOf([`${head(14)}{"quan`, 'tity":1}'], 1)).toEqual([{ quantity: 1 }])
})

test('each of several requests in one segment gets its own body, and the connection goes on', async () => {
  const all = [1, 2, 3].map((quantity) => post(JSON.stringify({ quantity }))).join('')
  expect(await readOf([all, post('{"quantity":4}')], 4)).toEqual([1, 2, 3, 4].map((quantity) => ({ quantity })))
})

test('the connection goes on after a body as long as the buffer of a request', async () => {
  const longest = 'x'.repeat(16_384 - '""'.length)
  expect(await readOf([post(JSON.stringify(longest)), post('1'), post('2')], 3)).toEqual([longest, 1, 2])
})

test('a body of more than 16 KB is refused', async () => {
  const body = JSON.stringify('x'.repeat(20_000))
  expect(await readOf([post(body)], 1)).toEqual(['A body may have at most 16 KB.'])
})
