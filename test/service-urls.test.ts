import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { rm, writeFile } from 'node:fs/promises'
import { createServer, request, type RequestListener } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort } from '../dev/servers/ports.ts'
import { serviceArgs } from './bundles.ts'
import { selfSigned } from './support/certificate.ts'
import { eventually } from './support/eventually.ts'
import { call } from './support/http-client.ts'
import { startProcess } from './support/service-process.ts'
import { startSystem, type System } from './support/system.ts'

let system: System
const closers: (() => unknown)[] = []
beforeAll(async () => {
  system = await startSystem()
})
afterAll(async () => {
  for (const close of closers.reverse()) await close()
  await system.close()
})

/** Something in front of the order service that answers at other addresses, like a reverse proxy. */
async function inFront({
  host = '127.0.0.1',
  folder = '',
  tls,
}: {
  host?: string
  folder?: string
  tls?: { key: string; cert: string }
}): Promise<{ port: number; hosts: string[] }> {
  const hosts: string[] = []
  const passOn: RequestListener = (req, res) => {
    hosts.push(req.headers.host ?? '')
    if (!req.url?.startsWith(`${folder}/`)) return void res.writeHead(418).end()
    const asked = request(
      system.env.ORDER_SERVICE_URL + req.url.slice(folder.length),
      { method: req.method, headers: req.headers },
      (answer) => {
        answer.pipe(res.writeHead(answer.statusCode ?? 0, answer.headers))
      },
    )
    // The order service is stopped while a gateway asks for its epochs.
    asked.on('error', () => res.destroy())
    req.pipe(asked)
  }
  const server = tls ? createSecureServer(tls, passOn) : createServer(passOn)
  await once(server.listen(0, host), 'listening')
  closers.push(() => {
    server.close().closeAllConnections()
  })
  return { port: (server.address() as AddressInfo).port, hosts }
}

/** Both ways through it: a buyer's order, and the provider's callback. */
async function expectHandedOn(gatewayUrl: string): Promise<void> {
  const token = await system.signIn('somebody')
  expect(await call('GET', `${gatewayUrl}/orders/4073d5f5-9ca8-4c3a-ac07-1880c3bfd50b`, { token })).toMatchObject({
    status: 404,
    body: { code: 'NOT_FOUND' },
  })
  expect(await call('POST', `${gatewayUrl}/payments/callback`, { body: {} })).toMatchObject({
    status: 401,
    body: { code: 'BAD_SIGNATURE' },
  })
}

const hasIPv6 = Object.values(networkInterfaces())
  .flat()
  .some((address) => address?.address === '::1')

describe('orders and callbacks reach an order service that is named', () => {
  test.each<[form: string, url: () => Promise<string>]>([
    ['with a slash at the end', async () => `${system.env.ORDER_SERVICE_URL}/`],
    ['with a path', async () => `http://127.0.0.1:${(await inFront({ folder: '/shop/one' })).port}/shop/one/`],
    ['by a name', async () => `http://localhost:${(await inFront({})).port}`],
    ...(hasIPv6
      ? [
          ['by an IPv6 address', async () => `http://[::1]:${(await inFront({ host: '::1' })).port}`] as [
            string,
            () => Promise<string>,
          ],
        ]
      : []),
  ])('%s', async (_, url) => {
    await system.stop('gateway')
    await system.start('gateway', { ORDER_SERVICE_URL: await url() })
    await expectHandedOn(system.url(''))
    expect((await call('GET', system.url('/readyz'))).body).toMatchObject({ ready: true, orders: true, problems: [] })
  })
})

describe('an order service behind TLS', () => {
  const tls = selfSigned()
  const file = join(tmpdir(), `certificate-${randomBytes(6).toString('hex')}.pem`)
  beforeAll(() => writeFile(file, tls.cert))
  afterAll(() => rm(file))

  test('is reached by https with a certificate that Node trusts, under any host name that the buyer uses', async () => {
    const proxy = await inFront({ tls })
    const port = await freePort()
    const gateway = await startProcess('gateway', {
      ...system.env,
      GATEWAY_PORT: String(port),
      GATEWAY_PROCESSES: '1',
      ORDER_SERVICE_URL: `https://localhost:${proxy.port}`,
      NODE_EXTRA_CA_CERTS: file,
    })
    closers.push(() => gateway.kill())
    await expectHandedOn(`http://127.0.0.1:${port}`)
    expect(new Set(proxy.hosts)).toEqual(new Set([`localhost:${proxy.port}`]))
  })

  test('is not asked when its certificate is not trusted: buyers are told to come back, and /readyz says why', async () => {
    const proxy = await inFront({ tls })
    await system.stop('gateway')
    await system.start('gateway', { ORDER_SERVICE_URL: `https://localhost:${proxy.port}` })
    expect(await call('POST', system.url('/payments/callback'), { body: {} })).toMatchObject({
      status: 503,
      body: { code: 'UNAVAILABLE' },
    })
    expect(proxy.hosts).toEqual([])
    const { status, body } = await call('GET', system.url('/readyz'))
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { ready: true, orders: false, problems: [{ check: 'orders', code: 'UNREACHABLE', staysReady: true }] },
    })
    expect(JSON.stringify(body)).toContain(
      'ORDER_SERVICE_URL names a service that cannot be reached (DEPTH_ZERO_SELF_SIGNED_CERT)',
    )
  })
})

describe('a service that is called and cannot be reached is named in /readyz, and buyers can still reserve', () => {
  test.each([
    ['gateway', 'ORDER_SERVICE_URL'],
    ['order-service', 'PAYMENT_PROVIDER_URL'],
    ['payment-provider', 'PUBLIC_URL'],
    ['control-room', 'GATEWAY_URL'],
  ] as const)('by the %s', async (service, setting) => {
    await system.stop(service)
    const { port } = await system.start(service, { [setting]: 'http://nowhere.invalid:3002' })
    // The first call may go out on a connection that was kept since before the restart.
    const ask = () => call('GET', `http://127.0.0.1:${port}/readyz`).catch(() => ({ status: 0, body: {} }))
    const { body } = await eventually('it to be ready', ask, ({ status }) => status === 200)
    expect(body).toMatchObject({
      ready: true,
      problems: [
        {
          code: 'UNREACHABLE',
          detail: expect.stringContaining(`${setting} names a service that cannot be reached`) as unknown,
        },
      ],
    })
    // /readyz is public, so it must not name internal addresses.
    expect(JSON.stringify(body)).not.toContain('nowhere')
    await system.stop(service)
    await system.start(service)
  })

  test('the order service away: a purchase is taken, an order answered 503', async () => {
    await system.stop('gateway')
    await system.start('gateway', { ORDER_SERVICE_URL: `http://127.0.0.1:${await freePort()}` })
    const token = await system.signIn('a buyer meanwhile')
    expect((await system.buy(await system.createSale(), token)).status).toBe(202)
    expect(await call('GET', system.url('/orders/4073d5f5-9ca8-4c3a-ac07-1880c3bfd50b'), { token })).toMatchObject({
      status: 503,
      body: { code: 'UNAVAILABLE' },
    })
    expect((await call('GET', system.url('/readyz'))).body).toMatchObject({ ready: true, orders: false })
  })
})

test('a URL that no call can be made to ends the start, and is named', () => {
  const env = { PATH: process.env.PATH, ...system.env, ORDER_SERVICE_URL: 'http://shop:hunter2@order-service:3002' }
  const { status, stderr } = spawnSync(process.execPath, serviceArgs('gateway'), {
    env,
    encoding: 'utf8',
  })
  expect(status).toBe(78)
  expect(stderr).toContain('ORDER_SERVICE_URL: expected no user name or password in it')
  expect(stderr).not.toContain('hunter2')
})
