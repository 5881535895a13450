/**
 * Usage: npm start [-- --cluster], npm run cluster
 *   --cluster   three masters of a Redis Cluster with their replicas, three nodes of RabbitMQ, a primary of PostgreSQL
 *               with a synchronous standby, and two of each of gateway and order service, with data of their own
 * Starts the whole system on this machine, until Ctrl-C: servers, migrations, services and a demo sale. What it starts
 * with can be set in the environment; .env.example lists every variable.
 */
import { once } from 'node:events'
import { commandLine } from '../core/platform/process/command-line.ts'
import { type LauncherApi, openLauncherApi } from './launcher-api.ts'
import { memoryWarning } from './memory.ts'
import { RunRecord } from './run-file.ts'
import { checkFreeSpace, makeDataFolder } from './servers/data-folder.ts'
import { SERVICES, SERVICES_OF_CLUSTER } from './services.ts'
import { addresses, demoSettings } from './settings.ts'
import { startTasks } from './start-tasks.ts'
import type { Supervisor } from './supervise.ts'
import { NotStarted } from './task-list.ts'
import { welcome } from './welcome.ts'

/** A terminal's Ctrl-C reaches us twice, from the terminal and passed on by npm. A person takes longer than that. */
const SAME_REQUEST_MS = 700

const {
  values: { cluster: isCluster = false },
} = commandLine({ cluster: { type: 'boolean' } })
const say = (line: string) => console.error(line)
const stopRequest = new AbortController()
/** Everything that runs, in the order of its start. */
const supervisors: Supervisor[] = []
let record: RunRecord | undefined
let launcherApi: LauncherApi | undefined
let requestedAt = 0
let stopping: Promise<void> | undefined

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal)
// A closed terminal or pipe must not end us before everything is stopped.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})

try {
  await start()
  await untilAsked()
} catch (error) {
  // After a request to stop, tasks under way fail as intended.
  if (!stopRequest.signal.aborted) {
    const reason = error instanceof NotStarted ? error.cause : error
    say(`\n${(reason as Error).message}`)
    process.exitCode = 1
  }
}
await stop()

async function start(): Promise<void> {
  const startedAt = Date.now()
  const warning = memoryWarning()
  if (warning) say(warning)
  const folder = await makeDataFolder()
  await checkFreeSpace(folder)
  record = await RunRecord.claim(folder, say)
  const services = isCluster ? SERVICES_OF_CLUSTER : SERVICES
  const settings = await demoSettings(folder, services)
  launcherApi = await openLauncherApi(supervisors)
  const tasks = await startTasks({
    folder,
    isCluster,
    services,
    settings,
    launcherApi,
    record,
    supervisors,
    say,
    signal: stopRequest.signal,
  })
  const { saleId } = await tasks.run()
  record.addresses(addresses(settings))
  console.log(welcome({ folder, settings, saleId, seconds: (Date.now() - startedAt) / 1000 }))
}

async function untilAsked(): Promise<void> {
  // A pending promise alone does not keep a process alive, when every server and service runs elsewhere.
  const alive = setInterval(() => {}, 60_000)
  if (!stopRequest.signal.aborted) await once(stopRequest.signal, 'abort')
  clearInterval(alive)
}

function onSignal(): void {
  if (!stopRequest.signal.aborted) {
    requestedAt = Date.now()
    say('\nStopping: services finish what is in hand, then the servers stop. Ctrl-C again to kill everything now.')
    stopRequest.abort()
    void stop()
  } else if (Date.now() - requestedAt > SAME_REQUEST_MS) {
    requestedAt = Date.now()
    say('Killing everything.')
    record?.killAll()
  }
}

function stop(): Promise<void> {
  return (stopping ??= stopAll())
}

/** In reverse order of start. One that fails to stop does not keep the rest running. */
async function stopAll(): Promise<void> {
  for (const supervisor of supervisors) supervisor.letGo()
  await launcherApi?.close()
  for (const supervisor of supervisors.toReversed()) {
    await supervisor.stop().catch((error: Error) => say(`Stopping failed: ${error.message}`))
  }
  record?.release()
  if (supervisors.length > 0) say('Everything is stopped.')
}
