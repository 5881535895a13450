import { setTimeout as sleep } from 'node:timers/promises'
import type { ConsumeMessage } from 'amqplib'
import { eventually } from '../../test/support/eventually.ts'
import type { Place } from '../frame/place.ts'
import { type Apply, type Change, drawChanges, openTables, readTable } from './changes.ts'

/** What a worker did, or what source and copy have at the end. */
export interface Step {
  did: 'APPLIED' | 'IN_SOURCE' | 'IN_COPY'
  row: number
  at: number
  worker?: string
  does?: Change['does']
  version?: number
  value: string | null
}

export interface Plan {
  queues: number
  queueOf: (change: Change, n: number) => number
  workersPerQueue: number
  /** Of the workers of a queue the broker serves one, and another one only when that is gone. */
  isSingleActive: boolean
  apply: Apply
  /** After a quarter of the changes: a further worker comes to each queue, or the one that works dies. */
  meanwhile?: 'COME' | 'GO'
}

type Own = Pick<Place<Step>, 'pool' | 'broker' | 'random' | 'now'>

/** Most changes are quick, some take longer: a slow disk, a lock, a garbage collection. */
const SLOW = { share: 0.3, ms: 15 }

/** Sends the changes in their order, lets workers apply them to the copy, and compares copy and source. */
export async function copyTable(place: Own, plan: Plan, rows: number, record: (step: Step) => void): Promise<void> {
  const { pool, broker, random, now } = place
  const changes = drawChanges(rows, random)
  await openTables(pool, changes)

  const channel = await broker.createConfirmChannel()
  const queues = Array.from({ length: plan.queues }, (_, i) => `changes.${i}`)
  for (const queue of queues)
    await channel.assertQueue(queue, { arguments: { 'x-single-active-consumer': plan.isSingleActive } })
  for (const [n, change] of changes.entries()) {
    const queue = queues[plan.queueOf(change, n)]
    if (queue === undefined) throw new Error(`change ${n} goes to queue ${plan.queueOf(change, n)} of ${plan.queues}`)
    channel.sendToQueue(queue, Buffer.from(JSON.stringify(change)))
  }
  await channel.waitForConfirms()

  const applied = new Set<string>()
  const onApplied = (worker: string, { row, version, does, value }: Change) => {
    record({ did: 'APPLIED', row, at: now(), worker, does, version, value })
    applied.add(`${row}.${version}`)
  }
  let hired = 0
  const hire = async (queue: string) => startWorker(place, { queue, name: `worker ${++hired}`, plan, onApplied })
  const first: Worker[] = []
  for (let i = 0; i < plan.workersPerQueue; i++) for (const queue of queues) first.push(await hire(queue))

  if (plan.meanwhile) {
    await eventually(
      'a quarter',
      () => applied.size,
      (size) => size >= changes.length / 4,
    )
    if (plan.meanwhile === 'GO') for (const worker of first.slice(0, plan.queues)) worker.dieAfterNext()
    else for (const queue of queues) await hire(queue)
  }
  await eventually(
    'all changes',
    () => applied.size,
    (size) => size === changes.length,
    60_000,
  )

  const [source, copy] = [await readTable(pool, 'lab_source'), await readTable(pool, 'lab_copy')]
  for (let row = 1; row <= rows; row++) {
    record({ did: 'IN_SOURCE', row, at: now(), value: source.get(row) ?? null })
    record({ did: 'IN_COPY', row, at: now(), value: copy.get(row) ?? null })
  }
}

interface Worker {
  /** It writes once more, and is gone before it has acknowledged. */
  dieAfterNext(): void
}

interface WorkerOptions {
  queue: string
  name: string
  plan: Plan
  onApplied: (worker: string, change: Change) => void
}

/** Takes one message at a time, and acknowledges it when it is applied. */
async function startWorker({ broker, pool, random }: Own, options: WorkerOptions): Promise<Worker> {
  const { queue, name, plan, onApplied } = options
  const channel = await broker.createChannel()
  await channel.prefetch(1)
  let isDying = false
  const handle = async (message: ConsumeMessage) => {
    const change = JSON.parse(message.content.toString()) as Change
    await sleep(random.chance(SLOW.share) ? SLOW.ms : 1)
    await plan.apply(pool, change)
    onApplied(name, change)
    // The broker gives a message that was not acknowledged to another worker.
    if (isDying) await channel.close()
    else channel.ack(message)
  }
  await channel.consume(queue, (message) => {
    if (message) void handle(message)
  })
  return {
    dieAfterNext() {
      isDying = true
    },
  }
}
