import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, TLSSocket } from 'node:tls'
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest'
import { createWorld, type World } from '../test/support/world.ts'
import { freePort } from './servers/ports.ts'
import { checkNamedServers as check } from './named-servers.ts'

/** Signed by itself, for localhost. */
const key = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgG68TF88ov5DTFTQs
3ZcPwyfewdsDgtylDe0ScusCni6hRANCAAQMvDAx3xcuYlM+SwjQpqJ60SPqPKGt
K+OrbJvY1NzQCCDzrO9FtcBUOFaUmhzdCiT5s5/2BfsOsI3AN8kGVd/O
-----END PRIVATE KEY-----`
const cert = `-----BEGIN CERTIFICATE-----
MIIBlTCCATugAwIBAgIUGELLF+REv7qMPGBuPhe+wYxkQUMwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyODEyMDMxN1oYDzIxMjYxMTA0
MTIwMzE3WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAQMvDAx3xcuYlM+SwjQpqJ60SPqPKGtK+OrbJvY1NzQCCDzrO9FtcBU
OFaUmhzdCiT5s5/2BfsOsI3AN8kGVd/Oo2kwZzAdBgNVHQ4EFgQUy9qHkmdJEo04
/mSkEydjHl0fTwkwHwYDVR0jBBgwFoAUy9qHkmdJEo04/mSkEydjHl0fTwkwDwYD
VR0TAQH/BAUwAwEB/zAUBgNVHREEDTALgglsb2NhbGhvc3QwCgYIKoZIzj0EAwID
SAAwRQIgQQ0784pVhnIX1dyYV7HpjkbYlDGQ84gSSs1cW0T6YQsCIQCV7ufPlEUR
J1KJMtTya/F33sIA2vJt/Q6Bo2n+6vLdtQ==
-----END CERTIFICATE-----`

let world: World
const listeners: Server[] = []
beforeAll(async () => {
  world = await createWorld()
})
afterEach(() => {
  for (const listener of listeners.splice(0)) listener.close()
})
afterAll(async () => await world.close())

const changed = (url: string, change: (url: URL) => void) => {
  const copy = new URL(url)
  change(copy)
  return copy.href
}
async function listening(listener: Server): Promise<number> {
  listeners.push(listener)
  await once(listener.listen(0, 'localhost'), 'listening')
  return (listener.address() as AddressInfo).port
}

test('servers that can be used are told with their versions', async () => {
  const said = await check({
    DATABASE_URL: world.databaseUrl,
    REDIS_URL: world.redisUrl,
    RABBITMQ_URL: world.rabbitmqUrl,
  })
  expect(said).toMatch(
    /^PostgreSQL \d\S* \(DATABASE_URL\), Redis \d\S* \(REDIS_URL\), RabbitMQ \d\S* \(RABBITMQ_URL\)$/,
  )
})

test('every URL that is wrong is named at once, and no password is shown', async () => {
  const port = await freePort()
  const { message } = (await check({
    DATABASE_URL: changed(world.databaseUrl, (url) => {
      url.password = 'hunter2'
    }),
    REDIS_URL: `redis://localhost:${port}`,
    RABBITMQ_URL: changed(world.rabbitmqUrl, (url) => {
      url.password = 'hunter2'
    }),
  }).catch((error: Error) => error)) as Error
  expect(message.split('\n')).toEqual([
    expect.stringMatching(
      /^DATABASE_URL: PostgreSQL at \S+ cannot be used: password authentication failed for user "postgres"\.$/,
    ),
    expect.stringMatching(
      /^REDIS_URL: Redis at localhost:\d+ cannot be used: .*ECONNREFUSED.*\. Nothing listens there: start it, or check/,
    ),
    expect.stringMatching(/^RABBITMQ_URL: RabbitMQ at \S+ cannot be used: .*ACCESS_REFUSED - Login was refused/),
  ])
  expect(message).not.toContain('hunter2')
})

test.each([
  ['DATABASE_URL', 'mysql://localhost/shop', 'expected postgresql://user:password@host:5432/database'],
  ['DATABASE_URL', 'postgresql://localhost/shop?connection_limit=3', '?connection_limit is not supported'],
  ['REDIS_URL', 'localhost:6379', 'expected redis://'],
  ['RABBITMQ_URL', 'amqp://a:b#c@localhost', 'expected amqp://user:password@host:5672, with special characters'],
  ['DATABASE_URL', 'postgresql://nowhere.invalid/shop', 'nowhere.invalid. Check the name of the host.'],
  ['REDIS_URL', 'redis://nowhere.invalid', 'nowhere.invalid. Check the name of the host.'],
  ['RABBITMQ_URL', 'amqp://nowhere.invalid', 'nowhere.invalid. Check the name of the host.'],
])('%s=%s: %s', async (name, value, sentence) => {
  await expect(check({ [name]: value })).rejects.toThrow(sentence)
})

test('a database that is missing is named', async () => {
  const missing = changed(world.databaseUrl, (url) => {
    url.pathname = '/elsewhere'
  })
  await expect(check({ DATABASE_URL: missing })).rejects.toThrow('database "elsewhere" does not exist')
})

test('a wrong password of a Redis user is named', async () => {
  await world.redis.call('ACL', 'SETUSER', world.name, 'on', '>right', '~*', '+@all')
  const withPassword = (password: string) =>
    changed(world.redisUrl, (url) => {
      url.username = world.name
      url.password = password
    })
  await expect(check({ REDIS_URL: withPassword('wrong') })).rejects.toThrow(/^REDIS_URL: .*: WRONGPASS /)
  await check({ REDIS_URL: withPassword('right') })
  await world.redis.call('ACL', 'DELUSER', world.name)
})

test('a virtual host that is missing is named', async () => {
  await expect(check({ RABBITMQ_URL: `${inject('rabbitmqUrl')}/nowhere` })).rejects.toThrow(
    'There is no such virtual host, or the user may not use it',
  )
})

test('a certificate that no known authority has signed is named, for each server', async () => {
  const tls = await listening(createTlsServer({ key, cert }))
  const postgres = await listening(
    createServer((socket: Socket) => {
      // PostgreSQL says S for "yes, TLS", and only then the handshake begins.
      socket.once('data', () =>
        socket.write('S', () =>
          new TLSSocket(socket, { isServer: true, key, cert }).on('error', () => socket.destroy()),
        ),
      )
    }),
  )
  const urls = {
    DATABASE_URL: `postgresql://a:b@localhost:${postgres}/shop?sslmode=verify-full`,
    REDIS_URL: `rediss://localhost:${tls}`,
    RABBITMQ_URL: `amqps://localhost:${tls}`,
  }
  for (const [name, url] of Object.entries(urls)) {
    await expect(check({ [name]: url }), name).rejects.toThrow(
      new RegExp(`^${name}: \\w+ at localhost:\\d+ cannot be used: .*self-signed certificate.*NODE_EXTRA_CA_CERTS`),
    )
  }
})
