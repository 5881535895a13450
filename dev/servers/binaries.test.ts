import { chmod, chown, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { endWithFile, noteProcess } from '../../test/support/left-behind.ts'
import { checkNamedServers } from '../named-servers.ts'
import { makeScratchFolder, removeScratchFolder } from '../scratch-folder.ts'
import { ensureBinaries, pathOf, rabbitmqVersion } from './binaries.ts'
import { startPostgres } from './postgres.ts'
import { startRabbitmq } from './rabbitmq.ts'
import { serverUser } from './server-user.ts'

let folder: string
const environment = { ...process.env }
beforeAll(async () => {
  folder = await makeScratchFolder()
})
afterEach(() => {
  for (const name of ['PATH', 'REDIS_SERVER', 'RABBITMQ_SERVER', 'POSTGRES_BIN']) {
    if (environment[name] === undefined) delete process.env[name]
    else process.env[name] = environment[name]
  }
})
afterAll(async () => await removeScratchFolder(folder))

/** A program that only exists. */
async function program(path: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, '#!/bin/sh\n')
  await chmod(path, 0o755)
  return path
}

test('the first folder of the PATH that holds a server chooses it, also where Debian has one of its own', async () => {
  const redis = await program(join(folder, 'first/redis-server'))
  const rabbitmq = await program(join(folder, 'first/rabbitmq-server'))
  process.env.PATH = [join(folder, 'first'), environment.PATH].join(':')
  delete process.env.REDIS_SERVER
  delete process.env.RABBITMQ_SERVER
  expect(pathOf('redis')).toBe(redis)
  expect(pathOf('rabbitmq')).toBe(rabbitmq)
})

test('a variable chooses a server by its path, its folder or its name on the PATH', async () => {
  const valkey = await program(join(folder, 'valkey/valkey-server'))
  const rabbitmq = await program(join(folder, 'rabbitmq_server-4.3.6/sbin/rabbitmq-server'))
  process.env.PATH = [join(folder, 'valkey'), environment.PATH].join(':')
  for (const named of [valkey, dirname(valkey), 'valkey-server']) {
    process.env.REDIS_SERVER = named
    expect(pathOf('redis')).toBe(valkey)
  }
  for (const named of [rabbitmq, dirname(rabbitmq)]) {
    process.env.RABBITMQ_SERVER = named
    expect(pathOf('rabbitmq')).toBe(rabbitmq)
  }
})

test("of Debian's wrapper, which changes the user, the script behind it is taken", async () => {
  const wrapper = await program(join(folder, 'debian/lib/rabbitmq/bin/rabbitmq-script-wrapper'))
  const script = await program(join(folder, 'debian/lib/rabbitmq/lib/rabbitmq_server-4.0.5/sbin/rabbitmq-server'))
  await mkdir(join(folder, 'debian/sbin'))
  await symlink(wrapper, join(folder, 'debian/sbin/rabbitmq-server'))
  await mkdir(join(dirname(script), '../plugins/rabbit-4.0.5'), { recursive: true })
  process.env.RABBITMQ_SERVER = join(folder, 'debian/sbin')
  expect(pathOf('rabbitmq')).toBe(script)
  expect(rabbitmqVersion(pathOf('rabbitmq'))).toBe('4.0.5')
})

test('a variable that names no such program is refused before anything is installed or started', async () => {
  process.env.REDIS_SERVER = join(folder, 'nowhere')
  await expect(ensureBinaries(() => {})).rejects.toThrow(
    `REDIS_SERVER is "${join(folder, 'nowhere')}"; expected a program (redis-server or valkey-server), or the folder that holds it.`,
  )
  process.env.POSTGRES_BIN = dirname(await program(join(folder, 'half/postgres')))
  await expect(startPostgres({ dataDir: join(folder, 'pg') })).rejects.toThrow(
    /^POSTGRES_BIN is ".*half", which lacks initdb;/,
  )
})

test('data of another PostgreSQL are refused in one sentence', async () => {
  const dataDir = join(folder, 'postgresql')
  await mkdir(join(dataDir, 'cluster'), { recursive: true })
  await writeFile(join(dataDir, 'cluster/PG_VERSION'), '9\n')
  const { uid, gid } = await serverUser()
  if (uid !== undefined) await chown(join(dataDir, 'cluster'), uid, gid)
  await expect(startPostgres({ dataDir })).rejects.toThrow(
    /^PostgreSQL \d\S* cannot read the data in .*cluster, made by PostgreSQL 9\. .* POSTGRES_BIN .* npm run reset$/,
  )
})

test('data that this RabbitMQ cannot read are refused in one sentence: of a later one, and for 4.x those from before 3.13', async () => {
  const dataDir = join(folder, 'rabbitmq')
  await mkdir(dataDir)
  await writeFile(join(dataDir, 'made-by'), '99.0.1\n')
  await expect(startRabbitmq({ dataDir })).rejects.toThrow(
    /^RabbitMQ \S+ cannot read the data in .*rabbitmq, made by RabbitMQ 99\.0\.1\. .* RABBITMQ_SERVER .* npm run reset$/,
  )

  process.env.RABBITMQ_SERVER = await program(join(folder, 'later/sbin/rabbitmq-server'))
  await mkdir(join(folder, 'later/plugins/rabbit-4.0.5'), { recursive: true })
  await writeFile(join(dataDir, 'made-by'), '3.10.8\n')
  await expect(startRabbitmq({ dataDir })).rejects.toThrow(
    /^RabbitMQ 4\.0\.5 cannot read .* made by RabbitMQ 3\.10\.8\./,
  )
})

test('a RabbitMQ without our plugin is named, and one leaves its version beside its data', async () => {
  const dataDir = join(folder, 'marked')
  const broker = await startRabbitmq({
    dataDir,
    disposable: true,
    plugins: ['rabbitmq_management'],
    onStart: (name, id) => void noteProcess(name, id),
  })
  endWithFile(() => broker.stop())
  await expect(checkNamedServers({ RABBITMQ_URL: broker.url })).rejects.toThrow(
    'Run there: rabbitmq-plugins enable rabbitmq_consistent_hash_exchange',
  )
  await broker.stop()
  expect((await readFile(join(dataDir, 'made-by'), 'utf8')).trim()).toBe(broker.version)
})
