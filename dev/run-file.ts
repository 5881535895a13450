import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isAlive, killGroup, type ProcessId, startTime, stopOrphan } from './processes.ts'

/**
 * What a launcher runs, kept in its folder: for `npm run urls`, and for the start that cleans up after a killed
 * launcher.
 */
export interface Run {
  launcher: ProcessId
  /** In the order of their start. */
  processes: Record<string, ProcessId>
  /** By their variables' names; none until all is ready. */
  urls: Record<string, string>
}

/** Two launchers that both find a dead one's file may both replace it; after this long the last one stands. */
const SETTLE_MS = 200
/** Longest for RabbitMQ, which writes its state down. */
const ORPHAN_GRACE_MS = 20_000

const runFile = (folder: string) => join(folder, 'run.json')

/** @returns undefined when nothing was ever started here, or all was stopped in order. */
export function readRun(folder: string): Run | undefined {
  try {
    return JSON.parse(readFileSync(runFile(folder), 'utf8')) as Run
  } catch {
    return undefined
  }
}

export const isRunning = (run: Run | undefined): boolean => run !== undefined && isAlive(run.launcher)

/** Thrown when another launcher holds the folder. */
export class AlreadyRunning extends Error {
  constructor(run: Run) {
    const addresses = Object.entries(run.urls)
      .filter(([name]) => name === 'GATEWAY_URL' || name === 'CONTROL_ROOM_URL')
      .map(([, url]) => url)
    super(
      `It runs already, as process ${run.launcher.pid}${addresses.length > 0 ? `, at ${addresses.join(' and ')}` : ' (still starting)'}. Stop that one with Ctrl-C or: kill ${run.launcher.pid}`,
    )
  }
}

/** A launcher's claim to a folder. Every change is written at once: SIGKILL may come at any time. */
export class RunRecord {
  readonly #folder: string
  readonly #run: Run

  private constructor(folder: string, run: Run) {
    this.#folder = folder
    this.#run = run
  }

  /** Of a folder that this process has just made: no other launcher knows it, so there is nothing to wait for. */
  static ofNewFolder(folder: string): RunRecord {
    const launcher = { pid: process.pid, startedAt: startTime(process.pid) ?? '' }
    const record = new RunRecord(folder, { launcher, processes: {}, urls: {} })
    record.#write()
    return record
  }

  /**
   * Makes the folder this process's, once what a killed launcher left there is stopped.
   * @throws AlreadyRunning
   */
  static async claim(folder: string, say: (line: string) => void = () => {}): Promise<RunRecord> {
    const launcher = { pid: process.pid, startedAt: startTime(process.pid) ?? '' }
    const earlier = readRun(folder)
    if (earlier && isRunning(earlier)) throw new AlreadyRunning(earlier)
    // The orphans' names stay in the file until they are gone: this start may be killed, too.
    const record = new RunRecord(folder, { launcher, processes: earlier?.processes ?? {}, urls: {} })
    record.#write()
    await sleep(SETTLE_MS)
    const standing = readRun(folder)
    if (standing && standing.launcher.pid !== process.pid) throw new AlreadyRunning(standing)

    const orphans = Object.entries(record.#run.processes).filter(([, id]) => isAlive(id))
    if (orphans.length > 0)
      say(
        `An earlier start was killed and left ${orphans.map(([name, { pid }]) => `${name} (${pid})`).join(', ')}: stopping first.`,
      )
    await stopAll(record.#run)
    record.#run.processes = {}
    record.#write()
    return record
  }

  started(name: string, { pid, startedAt }: ProcessId): void {
    this.#run.processes[name] = { pid, startedAt }
    this.#write()
  }

  addresses(urls: Record<string, string>): void {
    Object.assign(this.#run.urls, urls)
    this.#write()
  }

  /** SIGKILL to all, for a user who does not wait for the drain. The next start recovers what this interrupts. */
  killAll(): void {
    for (const id of Object.values(this.#run.processes)) killGroup(id)
  }

  release(): void {
    rmSync(runFile(this.#folder), { force: true })
  }

  #write(): void {
    const draft = `${runFile(this.#folder)}.${process.pid}`
    writeFileSync(draft, JSON.stringify(this.#run, null, 2), { mode: 0o600 })
    renameSync(draft, runFile(this.#folder))
  }
}

/** Stops what a run has recorded, the last started first: services before the servers they use. */
export async function stopAll({ processes }: Run): Promise<void> {
  for (const [name, id] of Object.entries(processes).reverse()) {
    // To PostgreSQL SIGTERM means "wait until every client has left"; SIGINT is its prompt stop.
    await stopOrphan(id, name.startsWith('postgres') ? 'SIGINT' : 'SIGTERM', ORPHAN_GRACE_MS)
  }
}
