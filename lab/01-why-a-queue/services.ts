import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { TYPESCRIPT_ARGS } from '../../core/platform/process/typescript-args.ts'
import { startChild } from '../../dev/processes.ts'
import { freePort } from '../../dev/servers/ports.ts'
import { waitUntilReady } from '../../dev/servers/ready.ts'
import type { Place } from '../frame/place.ts'

/** One interface for every downstream: adding one is a line in a list, with or without a queue. */
export interface Notifier {
  name: string
  /** @throws when it does not answer in time */
  notify(order: number, limitMs?: number): Promise<void>
}

export interface Services {
  five: Notifier[]
  /** The sixth, which is added later. */
  sixth: Notifier
  /** Stops the SMS service where it stands, as a full disk or a long pause would. */
  freezeSms(): void
  thawSms(): void
}

type Own = Pick<Place<object>, 'folder' | 'onStart' | 'defer'>

const NAMES = ['coupon', 'points', 'statistics', 'risk', 'sms']
const WORK_MS = 5

/** SMS in a process of its own, the others together in another. */
export async function startServices(place: Own): Promise<Services> {
  const [others, sms] = await Promise.all([startDownstream(place, 'others'), startDownstream(place, 'sms')])
  const agent = new Agent({ keepAlive: true })
  place.defer(() => agent.destroy())
  const notifier = (name: string): Notifier => ({
    name,
    notify: (order, limitMs) => post(agent, name === 'sms' ? sms.port : others.port, `/${name}/${order}`, limitMs),
  })
  return {
    five: NAMES.map(notifier),
    sixth: notifier('recommendations'),
    freezeSms: () => process.kill(sms.pid, 'SIGSTOP'),
    thawSms: () => process.kill(sms.pid, 'SIGCONT'),
  }
}

async function startDownstream(place: Own, name: string): Promise<{ pid: number; port: number }> {
  const port = await freePort()
  const child = startChild({
    command: process.execPath,
    args: [...TYPESCRIPT_ARGS, join(import.meta.dirname, 'downstream.ts')],
    logFile: join(place.folder, `${name}.log`),
    env: { ...process.env, PORT: String(port), WORK_MS: String(WORK_MS) },
    graceMs: 1_000,
  })
  place.onStart(name, child)
  place.defer(() => child.stop())
  await waitUntilReady(async () => (await fetch(`http://127.0.0.1:${port}`)).ok, { name, child })
  return { pid: child.pid, port }
}

function post(agent: Agent, port: number, path: string, limitMs: number | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const signal = limitMs === undefined ? {} : { signal: AbortSignal.timeout(limitMs) }
    request({ agent, port, host: '127.0.0.1', path, method: 'POST', ...signal }, (response) => {
      response.resume().once('end', resolve)
    })
      .once('error', reject)
      .end()
  })
}
