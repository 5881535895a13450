import type { ProcessId } from '../processes.ts'

export interface ServerOptions {
  /** The server's own folder. Made when missing; what it holds is kept. */
  dataDir: string
  /** Listen here (127.0.0.1). Default: a free port. */
  port?: number
  /** Called as soon as a process exists, so that a killed launcher leaves a record of it. */
  onStart?: (name: string, id: ProcessId) => void
  /** Stops waiting for readiness and stops the server. */
  signal?: AbortSignal
  /** Called every 5 s while it is not ready, with the reason. */
  progress?: (line: string) => void
}

export interface RunningServer {
  /** As in "18.4". */
  version: string
  url: string
  pids: number[]
  /** Resolves with the reason when the server ends for any cause. */
  ended: Promise<string>
  logFile: string
  /** Where the log of this start begins. */
  logFrom: number
  /** Returns when every process of the server is gone. */
  stop(): Promise<void>
}
