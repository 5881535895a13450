import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createServer, type Server } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { endWithFile, noteProcess } from '../test/support/left-behind.ts'
import { type Child, startChild } from './processes.ts'
import { makeScratchFolder, removeScratchFolder } from './scratch-folder.ts'
import { freePort } from './servers/ports.ts'
import { EndedEarly } from './servers/ready.ts'
import { addressesOf, SERVICES, startService } from './services.ts'
import { Supervisor } from './supervise.ts'

let folder: string
const strangers: Server[] = []
beforeAll(async () => {
  folder = await makeScratchFolder()
})
afterEach(() => {
  for (const stranger of strangers.splice(0)) stranger.close()
})
afterAll(async () => await removeScratchFolder(folder))

async function strangerOn(port: number, host: string, server: Server = createServer()): Promise<void> {
  strangers.push(server)
  await once(server.listen({ port, host }), 'listening')
}

const hasIPv6 = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === '::1'),
)
const HOSTS = ['127.0.0.1', '0.0.0.0', ...(hasIPv6 ? ['::1'] : [])]

const given = async () =>
  Object.fromEntries(
    await Promise.all(
      SERVICES.map(
        async ({ name }) => [`${name.toUpperCase().replaceAll('-', '_')}_PORT`, String(await freePort())] as const,
      ),
    ),
  )

test('a port is taken when another program has it on any address that is called localhost', async () => {
  for (const host of HOSTS) {
    const ports = await given()
    await strangerOn(Number(ports.GATEWAY_PORT), host)
    await expect(addressesOf(SERVICES, ports), host).rejects.toThrow(
      `Port ${ports.GATEWAY_PORT} (GATEWAY_PORT) is taken by another program.`,
    )
  }
})

test('all ports that are taken are named at once, with one command whose ports are free', async () => {
  const ports = await given()
  await strangerOn(Number(ports.GATEWAY_PORT), '127.0.0.1')
  await strangerOn(Number(ports.CONTROL_ROOM_PORT), '127.0.0.1')
  ports.ORDER_SERVICE_PORT = ports.SUBSCRIBERS_PORT ?? ''
  const { message } = (await addressesOf(SERVICES, ports).catch((error: Error) => error)) as Error
  for (const name of ['GATEWAY_PORT', 'CONTROL_ROOM_PORT', 'ORDER_SERVICE_PORT']) expect(message).toContain(`(${name})`)
  const choices: Record<string, string> = {}
  for (const [, name = '', port = ''] of message.matchAll(/(\w+_PORT)=(\d+)/g)) choices[name] = port
  expect(Object.keys(choices)).toHaveLength(3)
  expect(await addressesOf(SERVICES, { ...ports, ...choices })).toMatchObject(choices)
})

/** All that the smallest service needs. */
const environment = (port: number) => ({
  PATH: process.env.PATH,
  PAYMENT_PROVIDER_PORT: String(port),
  PAYMENT_SECRET: 'p'.repeat(32),
  PUBLIC_URL: 'http://localhost:1',
})
let starts = 0
const start = (env: NodeJS.ProcessEnv) =>
  startService({
    service: { name: 'payment-provider' },
    env,
    logFile: join(folder, `provider-${starts++}.log`),
    onStart: () => {},
    signal: new AbortController().signal,
  })
const failure = async (starting: Promise<unknown>) =>
  (await starting.then(
    () => {
      throw new Error('It started')
    },
    (error: unknown) => error,
  )) as Error

test('another program that answers "ready" on the port of a service is not taken for it', async () => {
  const port = await freePort()
  await strangerOn(
    port,
    '127.0.0.1',
    createHttpServer((_req, res) => res.end('{"ready":true,"problems":[]}')),
  )
  const { message } = await failure(start(environment(port)))
  expect(message).toContain(`Port ${port} on 127.0.0.1 is taken`)
})

test('why a service does not start is said in plain words, not in JSON', async () => {
  const { PAYMENT_SECRET, ...incomplete } = environment(await freePort())
  const badEnvironment = await failure(start({ ...incomplete, HOST: '192.0.2.1' }))
  expect(badEnvironment.message).toContain('PAYMENT_SECRET is missing')
  expect(badEnvironment).not.toBeInstanceOf(EndedEarly)
  const noSuchAddress = await failure(start({ ...incomplete, PAYMENT_SECRET, HOST: '192.0.2.1' }))
  expect(noSuchAddress.message).toMatch(
    /^payment-provider ended \(exit code 1\)\. The end of its log, [^]*EADDRNOTAVAIL/,
  )
  for (const { message } of [badEnvironment, noSuchAddress]) expect(message).not.toContain('{')
})

function child(): Child {
  const [logFile, args] = [join(folder, 'child.log'), ['-e', 'setInterval(() => {}, 1000)']]
  const started = startChild({ command: process.execPath, args, logFile, graceMs: 1_000 })
  void noteProcess('child', started)
  endWithFile(() => started.stop())
  return started
}

test('a first start that fails is tried again, unless its reason stays', async () => {
  const said: string[] = []
  let failures = 2
  const late = new Supervisor({
    name: 'late',
    say: (line) => said.push(line),
    start: async () => {
      if (failures-- > 0) throw new EndedEarly('late ended (exit code 1): not yet.')
      return child()
    },
  })
  await late.start()
  await late.stop()
  expect(said).toEqual([expect.stringContaining('not yet'), expect.stringContaining('not yet')])

  let tries = 0
  const never = new Supervisor({
    name: 'never',
    say: () => {},
    start: async () => {
      tries += 1
      throw new Error('data of another version')
    },
  })
  await expect(never.start()).rejects.toThrow('data of another version')
  expect(tries).toBe(1)
})
