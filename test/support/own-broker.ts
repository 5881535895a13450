import { randomBytes } from 'node:crypto'
import { dirname, join } from 'node:path'
import { execa } from 'execa'
import { RunRecord } from '../../dev/run-file.ts'
import { makeScratchFolder, removeScratchFolder } from '../../dev/scratch-folder.ts'
import { pathOf } from '../../dev/servers/binaries.ts'
import { freePort } from '../../dev/servers/ports.ts'
import { startRabbitmq } from '../../dev/servers/rabbitmq.ts'
import { endWithFile } from './left-behind.ts'

/** A RabbitMQ of one test file, for faults that would disturb other files. */
export interface OwnBroker {
  /** Creates a virtual host. @returns the URL to connect to it */
  createVirtualHost: () => Promise<string>
  /** Calls its management API; the path follows /api/. */
  api: (method: string, path: string, body?: unknown) => Promise<Response>
  /** Runs rabbitmqctl. @throws when it fails */
  ctl: (...args: string[]) => Promise<string>
  /** With SIGKILL. */
  kill: () => Promise<void>
  /** With the same data and ports. */
  restart: () => Promise<void>
  close: () => Promise<void>
}

export async function startOwnBroker(): Promise<OwnBroker> {
  const folder = await makeScratchFolder()
  const record = RunRecord.ofNewFolder(folder)
  const ports = { port: await freePort(), managementPort: await freePort() }
  const start = () =>
    startRabbitmq({
      dataDir: join(folder, 'rabbitmq'),
      onStart: record.started.bind(record),
      disposable: true,
      ...ports,
    })
  let server = await start()
  endWithFile(() => server.stop())

  const api: OwnBroker['api'] = (method, path, body) =>
    fetch(`http://127.0.0.1:${ports.managementPort}/api/${path}`, {
      method,
      headers: { authorization: `Basic ${btoa('guest:guest')}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  return {
    api,
    async createVirtualHost() {
      const name = `test_${randomBytes(6).toString('hex')}`
      const { status } = await api('PUT', `vhosts/${name}`)
      if (status !== 201) throw new Error(`Creating a virtual host: expected 201, got ${status}`)
      return `${server.url}/${name}`
    },
    ctl: async (...args) =>
      (await execa(join(dirname(pathOf('rabbitmq')), 'rabbitmqctl'), args, { env: server.env, extendEnv: false }))
        .stdout,
    kill: () => server.stop(),
    async restart() {
      server = await start()
    },
    async close() {
      await server.stop()
      await removeScratchFolder(folder)
    },
  }
}
