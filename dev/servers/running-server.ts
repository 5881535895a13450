import type { ProcessId } from '../processes.ts'

export interface ServerOptions {
  /** The server's own folder. Made when missing; what it holds is kept. */
  dataDir: string
  /** Listen here (127.0.0.1). Default: a free port. */
  port?: number
  /** Told about each process the moment it exists, so that a launcher that is killed leaves a trace of it. */
  onStart?: (name: string, id: ProcessId) => void
  /** Stops waiting for readiness and stops the server. */
  signal?: AbortSignal
  /** Told now and then that it still takes, and why. */
  progress?: (line: string) => void
}

export interface RunningServer {
  /** As in "18.4". */
  version: string
  url: string
  pids: number[]
  /** Resolves with the reason when the server ends, for any cause. */
  ended: Promise<string>
  logFile: string
  /** Where the log of this start begins. */
  logFrom: number
  /** Returns when every process of the server is gone. */
  stop(): Promise<void>
}
