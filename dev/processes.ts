import { execFileSync, spawn } from 'node:child_process'
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** Identifies one process: its pid alone may have been reused. */
export interface ProcessId {
  pid: number
  startedAt: string
}

/** A child that lives on its own: in a process group of its own, its output in a file. */
export interface Child extends ProcessId {
  logFile: string
  /** Where its output begins in its log, behind that of earlier starts. */
  logFrom: number
  /** Resolves, never rejects, with why it ended: "exit code 1", "signal SIGKILL", or why it could not be started. */
  ended: Promise<string>
  /** Signals it, waits, then kills its whole group. */
  stop(): Promise<void>
}

export interface ChildOptions {
  command: string
  args: string[]
  /** Emptied when this process first uses it, so that it is bounded by one run. */
  logFile: string
  stopSignal?: NodeJS.Signals
  /** How long it may take to stop. */
  graceMs: number
  env?: NodeJS.ProcessEnv
  cwd?: string
  uid?: number
  gid?: number
}

/**
 * Detached, because Ctrl-C goes to every process of the terminal's foreground group: the servers would be gone before
 * the services have drained.
 */
export function startChild(child: ChildOptions): Child {
  const { command, args, logFile, stopSignal = 'SIGTERM', graceMs, ...options } = child
  // Readable by this user only: logs name buyers.
  const log = openSync(logFile, usedLogs.has(logFile) ? 'a' : 'w', 0o600)
  usedLogs.add(logFile)
  const logFrom = fstatSync(log).size
  const started = spawn(command, args, { ...options, detached: true, stdio: ['ignore', log, log] })
  closeSync(log)
  const ended = new Promise<string>((resolve) => {
    started.once('error', (error) => resolve(error.message))
    started.once('exit', (code, signal) => resolve(signal ? `signal ${signal}` : `exit code ${code}`))
  })
  let over = false // Afterwards the pid may be reused.
  void ended.then(() => {
    over = true
  })
  const pid = started.pid ?? 0 // 0: it could not be started, and `ended` says why.
  const startedAt = (pid && startTime(pid)) || ''
  return {
    pid,
    startedAt,
    logFile,
    logFrom,
    ended,
    stop: async () => {
      if (!over) await endProcess(pid, stopSignal, graceMs, ended)
    },
  }
}

const usedLogs = new Set<string>()

async function endProcess(
  pid: number,
  signal: NodeJS.Signals,
  graceMs: number,
  ended: Promise<unknown>,
): Promise<void> {
  if (pid === 0) return
  kill(pid, signal)
  const timer = new AbortController()
  const inTime = await Promise.race([
    ended.then(() => true),
    sleep(graceMs, false, { signal: timer.signal }).catch(() => false),
  ])
  timer.abort()
  if (!inTime) kill(-pid, 'SIGKILL')
  await ended
}

/** Stops a process that an earlier launcher started. Does nothing when the pid has become another process's. */
export async function stopOrphan(orphan: ProcessId, signal: NodeJS.Signals, graceMs: number): Promise<void> {
  if (!isAlive(orphan)) return
  const gone = async () => {
    while (isAlive(orphan)) await sleep(50)
  }
  await endProcess(orphan.pid, signal, graceMs, gone())
}

/** SIGKILL to a process and those that it has started. */
export function killGroup(id: ProcessId): void {
  if (isAlive(id)) kill(-id.pid, 'SIGKILL') // It may end by itself in between.
}

export function isAlive({ pid, startedAt }: ProcessId): boolean {
  return startTime(pid) === startedAt
}

/** The time that ps prints is compared as text, and must not change with the language of the terminal. */
const ENGLISH = { LC_ALL: 'C', TZ: 'UTC' }

/** When the process was started, in the system's own notation; undefined when there is none (a zombie is none). */
export function startTime(pid: number): string | undefined {
  try {
    if (process.platform !== 'linux')
      return (
        execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], {
          encoding: 'utf8',
          env: { ...process.env, ...ENGLISH },
        }).trim() || undefined
      )
    // The name in parentheses may hold anything, so fields are counted from its end: state is the 3rd, start time the
    // 22nd.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? []
    return fields[0] === 'Z' ? undefined : fields[19]
  } catch {
    return undefined
  }
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
