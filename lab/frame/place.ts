import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type ChannelModel, connect } from 'amqplib'
import { Pool } from 'pg'
import { killGroup, type ProcessId } from '../../dev/processes.ts'
import { RunRecord } from '../../dev/run-file.ts'
import { makeScratchFolder, removeScratchFolder } from '../../dev/scratch-folder.ts'
import { Random } from '../../test/faults/support/random.ts'
import type { TestServers } from '../../test/servers.ts'
import { makeWorld, type World } from '../../test/support/make-world.ts'

/** What one side of a lab runs in: a database, key prefix, virtual host and folder of its own. */
export interface Place<Entry extends object> {
  world: World
  /** Connections to the world's database, for plain SQL. */
  pool: Pool
  /** A connection to the world's virtual host. */
  broker: ChannelModel
  /** For files, and for servers of the lab's own. */
  folder: string
  /** Draws the same numbers in each run with the same `--seed`. */
  random: Random
  isShort: boolean
  /** The protection that the reader has named. */
  off: string | undefined
  /** The first in a run by a reader, the second in the short form that the tests run. */
  amount: (full: number, short: number) => number
  /** Adds to the history. */
  record(entry: Entry): void
  /** Milliseconds since 1970, with fractions. */
  now: () => number
  /** Of a process that the lab starts: ends it after a crash of ours, too. */
  onStart: (name: string, id: ProcessId) => void
  /** Runs at the end, the last one first. */
  defer: (release: () => unknown) => void
}

export interface PlaceOptions<Entry extends object> {
  servers: TestServers
  seed: number
  isShort: boolean
  off?: string | undefined
  onEntry?: (entry: Entry) => void
}

/** A connection that may be lost, since labs kill their brokers: what fails then reports it itself. */
export async function connectBroker(url: string): Promise<ChannelModel> {
  const broker = await connect(url, { noDelay: true }) // Or a small message waits for up to 40 ms.
  broker.on('error', () => {})
  return broker
}

const POOL_SIZE = 40

/** Ends the processes and removes the folder of a place, whose servers may be gone. */
const openPlaces = new Set<() => Promise<void>>()
let isEnding = false

/** For Ctrl-C, before the servers stop. What a lab starts meanwhile ends at once. */
export async function endPlaces(): Promise<void> {
  isEnding = true
  await Promise.all([...openPlaces].map((end) => end()))
}

/** Runs `work` in a place of its own, of which nothing is left afterwards. @returns the history */
export async function inPlace<Entry extends object>(
  { servers, seed, isShort, off, onEntry }: PlaceOptions<Entry>,
  work: (place: Place<Entry>) => Promise<void>,
): Promise<Entry[]> {
  const history: Entry[] = []
  const releases: (() => unknown)[] = []
  const defer = (release: () => unknown) => releases.push(release)
  try {
    const scratch = await makeScratchFolder()
    const record = RunRecord.ofNewFolder(scratch)
    const end = async () => {
      record.killAll()
      await removeScratchFolder(scratch)
      openPlaces.delete(end)
    }
    openPlaces.add(end)
    defer(end)
    if (isEnding) throw new Error('The lab is being stopped.')
    const folder = join(scratch, 'lab')
    await mkdir(folder)
    const world = await makeWorld(servers)
    world.redis.on('error', () => {}) // On Ctrl-C the server goes first; commands report it themselves.
    defer(() => world.close())
    const pool = new Pool({ connectionString: world.databaseUrl, max: POOL_SIZE })
    pool.on('error', () => {}) // As above.
    defer(() => pool.end())
    const broker = await connectBroker(world.rabbitmqUrl)
    defer(() => broker.close().catch(() => 'closed already'))
    await work({
      world,
      pool,
      broker,
      folder,
      random: new Random(seed),
      isShort,
      off,
      amount: (full, short) => (isShort ? short : full),
      now: () => performance.timeOrigin + performance.now(),
      record(entry) {
        history.push(entry)
        onEntry?.(entry)
      },
      onStart: (name, id) => (isEnding ? killGroup(id) : record.started(name, id)),
      defer,
    })
    return history
  } finally {
    for (const release of releases.reverse()) await release()
  }
}
