import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { TYPESCRIPT_ARGS } from '../../core/platform/process/typescript-args.ts'
import { type Child, startChild } from '../../dev/processes.ts'
import { freePort } from '../../dev/servers/ports.ts'
import { waitUntilReady } from '../../dev/servers/ready.ts'
import { inParallel } from '../../test/support/parallel.ts'
import type { Place } from '../frame/place.ts'
import type { Message } from './message-queue.ts'

/** What became of a message, or of the queue. */
export interface Step {
  did: 'CONFIRMED' | 'TAKEN_AND_DIED' | 'HANDLED' | 'KILLED' | 'DISK_LOST' | 'STARTED_AGAIN'
  at: number
  message?: number
}

export interface Plan {
  /** A protection that is taken away; see server.ts. */
  flaw?: 'confirm-first' | 'ack-on-take'
  hasFollower?: boolean
  losesDisk?: boolean
}

const PUBLISHERS = 32
const RETRY_MS = 50

/** Messages are published, and the queue is killed after half of them; then they are consumed. */
export async function crash(place: Place<Step>, { flaw, hasFollower, losesDisk }: Plan): Promise<void> {
  const { now } = place
  const count = place.amount(1_000, 300)
  const follower = hasFollower ? await startQueue(place, 'follower', {}) : undefined
  const env = { ...(flaw ? { FLAW: flaw } : {}), ...(follower ? { FOLLOWER: follower.url } : {}) }
  let queue = await startQueue(place, 'leader', env)

  const startAgain = async () => {
    process.kill(queue.child.pid, 'SIGKILL')
    place.record({ did: 'KILLED', at: now() })
    await queue.child.ended
    if (losesDisk) {
      await rm(join(place.folder, 'leader'), { recursive: true })
      place.record({ did: 'DISK_LOST', at: now() })
    }
    await follower?.child.stop()
    queue = await startQueue(place, follower ? 'follower' : 'leader', flaw ? { FLAW: flaw } : {})
    place.record({ did: 'STARTED_AGAIN', at: now() })
  }

  let confirmed = 0
  let starting: Promise<void> | undefined
  await inParallel(count, PUBLISHERS, async (message) => {
    while (!(await call(queue.url, 'publish', String(message)))) await sleep(RETRY_MS)
    place.record({ did: 'CONFIRMED', at: now(), message })
    if (++confirmed === count / 2) starting = startAgain()
  })
  await starting
  await consume(place, queue.url)
}

/** The first consumer dies with a message in its hands; others handle all the rest. */
async function consume(place: Place<Step>, url: string): Promise<void> {
  const { now } = place
  const taken = await call<{ message?: Message }>(url, 'take')
  if (taken?.message) place.record({ did: 'TAKEN_AND_DIED', at: now(), message: Number(taken.message.body) })
  await inParallel(PUBLISHERS, PUBLISHERS, async () => {
    for (;;) {
      const { message, unacknowledged = 0 } = (await call<Taken>(url, 'take')) ?? {}
      if (message) {
        place.record({ did: 'HANDLED', at: now(), message: Number(message.body) })
        await call(url, 'ack', String(message.offset))
      } else if (unacknowledged === 0) return
      else await sleep(RETRY_MS)
    }
  })
}

interface Taken {
  message?: Message
  unacknowledged?: number
}

/** The same number of messages through RabbitMQ: durable, persistent, each confirmed. */
export async function throughRabbitmq(place: Place<Step>): Promise<void> {
  const { broker, now } = place
  const count = place.amount(1_000, 300)
  const channel = await broker.createConfirmChannel()
  await channel.assertQueue('messages', { arguments: { 'x-queue-type': 'quorum' } })
  await inParallel(count, PUBLISHERS, async (message) => {
    await new Promise<void>((resolve, reject) => {
      const onConfirm = (error: Error | null) => (error ? reject(error) : resolve())
      channel.sendToQueue('messages', Buffer.from(String(message)), { persistent: true }, onConfirm)
    })
    place.record({ did: 'CONFIRMED', at: now(), message })
  })
  await new Promise<void>((resolve) => {
    let handled = 0
    void channel.consume('messages', (message) => {
      if (!message) return
      place.record({ did: 'HANDLED', at: now(), message: Number(message.content) })
      channel.ack(message)
      if (++handled === count) resolve()
    })
  })
}

/** @returns what it answers; undefined when it is not there */
async function call<Answer = object>(url: string, path: string, body = ''): Promise<Answer | undefined> {
  try {
    const response = await fetch(`${url}/${path}`, { method: 'POST', body })
    return response.ok ? ((await response.json()) as Answer) : undefined
  } catch {
    return undefined // Killed; what was not confirmed is sent again.
  }
}

async function startQueue(
  place: Place<Step>,
  name: string,
  env: Record<string, string>,
): Promise<{ url: string; child: Child }> {
  const port = await freePort()
  const child = startChild({
    command: process.execPath,
    args: [...TYPESCRIPT_ARGS, join(import.meta.dirname, 'server.ts')],
    logFile: join(place.folder, `${name}.log`),
    env: { ...process.env, ...env, PORT: String(port), FOLDER: join(place.folder, name) },
    stopSignal: 'SIGKILL',
    graceMs: 1_000,
  })
  place.onStart(name, child)
  place.defer(() => child.stop())
  const url = `http://127.0.0.1:${port}`
  await waitUntilReady(async () => (await fetch(url)).ok, { name, child })
  return { url, child }
}
