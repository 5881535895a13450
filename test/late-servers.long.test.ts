import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePort } from '../dev/servers/ports.ts'
import { eventually } from './support/eventually.ts'
import { type ServiceProcess, spawnProcess } from './support/service-process.ts'
import { createWorld, type World } from './support/world.ts'

/** More than a loaded machine needs for a start. */
const START_TAKES_MS = 120_000

let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(async () => await world.close())

/** Takes connections for a server that does not answer yet, as a slow one does. */
interface LateServer {
  url: string
  answer: () => void
  close: () => void
}

async function startLate(serverUrl: string): Promise<LateServer> {
  const url = new URL(serverUrl)
  const [host, port] = [url.hostname, Number(url.port)]
  const waiting = new Set<Socket>()
  let isAnswering = false
  const passOn = (socket: Socket) => {
    const server = connect({ host, port })
      .on('error', () => socket.destroy())
      .on('close', () => socket.destroy())
    socket
      .on('close', () => server.destroy())
      .pipe(server)
      .pipe(socket)
  }
  const listener = createServer({ pauseOnConnect: true }, (socket) => {
    socket.on('error', () => socket.destroy())
    if (isAnswering) passOn(socket)
    else waiting.add(socket)
  })
  await once(listener.listen(0, '127.0.0.1'), 'listening')
  url.port = String((listener.address() as AddressInfo).port)
  return {
    url: url.href,
    answer() {
      isAnswering = true
      for (const socket of waiting) if (!socket.destroyed) passOn(socket)
    },
    close() {
      listener.close()
      for (const socket of waiting) socket.destroy()
    },
  }
}

test('a service whose servers accept connections and answer late waits for each of them, says for which, and then works', async () => {
  const [redis, rabbitmq, postgres] = await Promise.all([
    startLate(world.redisUrl),
    startLate(world.rabbitmqUrl),
    startLate(world.databaseUrl),
  ])
  const port = await freePort()
  const service = spawnProcess('subscribers', {
    REDIS_URL: redis.url,
    RABBITMQ_URL: rabbitmq.url,
    DATABASE_URL: postgres.url,
    REDIS_KEY_PREFIX: world.keyPrefix,
    SUBSCRIBERS_PORT: String(port),
  })
  try {
    for (const [name, server] of [
      ['Redis', redis],
      // Knows the partitions to declare.
      ['PostgreSQL', postgres],
      ['RabbitMQ', rabbitmq],
    ] as const) {
      await eventually(
        `it to say that it waits for ${name}`,
        () => service.output(),
        (said) => said.includes(`Waiting for ${name}`) || service.hasEnded(),
        START_TAKES_MS,
      )
      expect(service.hasEnded(), service.output()).toBe(false)
      server.answer()
    }
    await eventually(
      'it to be ready',
      () =>
        fetch(`http://127.0.0.1:${port}/readyz`).then(
          ({ status }) => status,
          () => 0,
        ),
      (status) => status === 200,
      START_TAKES_MS,
    )
  } finally {
    await end(service)
    for (const server of [redis, rabbitmq, postgres]) server.close()
  }
})

async function end(service: ServiceProcess): Promise<void> {
  if (!service.hasEnded()) await service.kill()
}
