import { connect } from 'node:net'
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { call } from './support/http-client.ts'
import { inParallel } from './support/parallel.ts'
import { startSystem, type System } from './support/system.ts'

let system: System
beforeAll(async () => { system = await startSystem() })
afterAll(async () => { await system.close() })

/** Sends bytes as they are; resolves with the status line of the first answer. */
function sendRaw(bytes: string): Promise<string> {
  const { hostname, port } = new URL(system.url('/'))
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(bytes))
    let received = ''
    socket.on('data', (chunk) => {
      received += chunk.toString()
      if (!received.includes('\r\n\r\n')) return
      socket.destroy()
      resolve(received.slice(0, received.indexOf('\r\n')))
    })
    socket.on('error', reject)
    socket.on('close', () => resolve(received))
  })
}

test.each(['DELETE', 'OPTIONS', 'GET'])('a %s whose body holds another request does not reach the next buyer\'s connection', async (method) => {
  const token = await system.signIn('innocent')
  const hidden = 'GET /readyz HTTP/1.1\r\nHost: shop\r\n\r\n'
  const attack = `${method} /orders/${randomUUID()} HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`
  const attacks = inParallel(60, 10, () => sendRaw(attack))
  const innocent = await inParallel(60, 10, () => call('GET', system.url(`/orders/${randomUUID()}`), { token }))
  const refused = await attacks
  expect(new Set(innocent.map((answer) => `${answer.status} ${String(answer.body.code)}`))).toEqual(new Set(['404 NOT_FOUND']))
  expect(new Set(refused)).toEqual(new Set([method === 'GET' ? 'HTTP/1.1 401 Unauthorized' : 'HTTP/1.1 405 Method Not Allowed']))
})
