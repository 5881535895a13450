import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, TLSSocket } from 'node:tls'
import { Client } from 'pg'
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest'
import { createWorld, type World } from '../../test/support/world.ts'
import { freePort } from '../servers/ports.ts'
import { checkNamedServers } from './check.ts'

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

const warnings: string[] = []
const check = (env: NodeJS.ProcessEnv) =>
  checkNamedServers(env, {
    signal: new AbortController().signal,
    progress: () => {},
    warn: (sentence) => {
      warnings.push(sentence)
    },
  })
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
    'DATABASE_URL: the password of the user "postgres" is wrong.',
    `REDIS_URL: nothing listens at localhost:${port}; start Redis there, or check host and port.`,
    expect.stringMatching(/^RABBITMQ_URL: RabbitMQ does not let the user "guest" in: the password is wrong/),
  ])
  expect(message).not.toContain('hunter2')
})

test.each([
  ['DATABASE_URL', 'mysql://localhost/shop', 'is not a URL of PostgreSQL; expected postgresql://'],
  ['REDIS_URL', 'localhost:6379', 'is not a URL of Redis; expected redis://'],
  ['RABBITMQ_URL', 'amqp://a:b#c@localhost', 'is not a URL of RabbitMQ; expected amqp://'],
  ['DATABASE_URL', 'postgresql://nowhere.invalid/shop', 'there is no host "nowhere.invalid"'],
  ['REDIS_URL', 'redis://nowhere.invalid', 'there is no host "nowhere.invalid"'],
  ['RABBITMQ_URL', 'amqp://nowhere.invalid', 'there is no host "nowhere.invalid"'],
])('%s=%s: %s', async (name, value, sentence) => {
  await expect(check({ [name]: value })).rejects.toThrow(sentence)
})

test('a database that is missing, holds something else or may not be written is named', async () => {
  const other = `${world.name}_other`
  await expect(
    check({
      DATABASE_URL: changed(world.databaseUrl, (url) => {
        url.pathname = `/${other}`
      }),
    }),
  ).rejects.toThrow(`DATABASE_URL: database "${other}" does not exist; create it`)

  await world.database.$executeRawUnsafe(`CREATE DATABASE ${other} TEMPLATE template0`)
  await world.database.$executeRawUnsafe(`CREATE ROLE ${other} LOGIN PASSWORD 'p'`)
  const otherUrl = changed(world.databaseUrl, (url) => {
    url.pathname = `/${other}`
  })
  try {
    await expect(
      check({
        DATABASE_URL: changed(otherUrl, (url) => {
          url.username = other
          url.password = 'p'
        }),
      }),
    ).rejects.toThrow(`the user "${other}" may not create tables`)
    const client = new Client(otherUrl)
    await client.connect()
    await client.query('CREATE TABLE customers (id int)')
    await client.end()
    await expect(check({ DATABASE_URL: otherUrl })).rejects.toThrow(
      `DATABASE_URL: the database "${other}" holds 1 tables of something else; give an empty database`,
    )
  } finally {
    await world.database.$executeRawUnsafe(`DROP DATABASE ${other} WITH (FORCE)`)
    await world.database.$executeRawUnsafe(`DROP ROLE ${other}`)
  }
})

test('a Redis user with a wrong password is named; one that loses data or forgets keys is warned of', async () => {
  await world.redis.call('ACL', 'SETUSER', world.name, 'on', '>right', '~*', '+@all')
  const withPassword = (password: string) =>
    changed(world.redisUrl, (url) => {
      url.username = world.name
      url.password = password
    })
  await expect(check({ REDIS_URL: withPassword('wrong') })).rejects.toThrow(
    `REDIS_URL: the password of the user "${world.name}" is wrong.`,
  )
  await check({ REDIS_URL: withPassword('right') })
  await world.redis.call('ACL', 'DELUSER', world.name)

  const about = 'redis_version:7.2.0\r\naof_enabled:0\r\nmaxmemory_policy:allkeys-lru\r\n'
  const careless = createServer((socket) =>
    socket.setEncoding('utf8').on('data', (commands: string) => {
      for (const [, name] of commands.matchAll(/\*\d+\r\n\$\d+\r\n(\w+)/g)) {
        if (name === 'info') socket.write(`$${about.length}\r\n${about}\r\n`)
        else socket.write(name === 'hello' ? '-NOPROTO unsupported protocol version\r\n' : '+OK\r\n')
      }
    }),
  )
  await check({ REDIS_URL: `redis://localhost:${await listening(careless)}` })
  expect(warnings).toEqual([
    expect.stringMatching(/^REDIS_URL: this Redis keeps no log.*appendonly yes/),
    expect.stringMatching(/allkeys-lru.*noeviction/),
  ])
})

test('a virtual host that is missing is named', async () => {
  await expect(check({ RABBITMQ_URL: `${inject('rabbitmqUrl')}/nowhere` })).rejects.toThrow(
    'RABBITMQ_URL: the user "guest" may not use the virtual host "nowhere", or there is none of that name.',
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
      new RegExp(`^${name}: the certificate of localhost:\\d+ is not trusted \\(.*NODE_EXTRA_CA_CERTS`),
    )
  }
})
