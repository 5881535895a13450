import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { callProvider } from './call-provider.ts'
import { ProviderUnavailable } from './provider.ts'

const servers: Server[] = []
const sockets: Socket[] = []
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  for (const server of servers.splice(0)) await new Promise((closed) => server.close(closed))
})

async function listening(server: Server): Promise<number> {
  servers.push(server)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return (server.address() as AddressInfo).port
}
const call = (url: string) => callProvider({ url, path: '/links', body: '{}', headers: {} })

test('a provider that does not finish connecting is given up before its answer would be', async () => {
  const port = await listening(createServer((socket) => void sockets.push(socket.on('error', () => {}))))
  const failed = call(`https://127.0.0.1:${port}`)
  await expect(failed).rejects.toThrow(ProviderUnavailable)
  await expect(failed).rejects.toThrow(/Connect Timeout.*timeout: 2000ms/)
})

test('a redirect is not followed: what is signed for the provider goes nowhere else', async () => {
  const port = await listening(createHttpServer((_req, res) => res.writeHead(307, { location: '/elsewhere' }).end()))
  expect(await call(`http://127.0.0.1:${port}`)).toEqual({ status: 307, text: '' })
})

test('a provider that does not listen is named, with the reason', async () => {
  const server = createServer()
  const port = await listening(server)
  servers.splice(0)
  await new Promise((closed) => server.close(closed))
  await expect(call(`http://127.0.0.1:${port}`)).rejects.toThrow(
    /at http:\/\/127.0.0.1:\d+ within 3000 ms: .*ECONNREFUSED/,
  )
})
