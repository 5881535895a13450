import type { Child, ProcessId } from '../processes.ts'

export interface StartOptions {
  /** Called as soon as a process exists, so that a killed launcher leaves a record of it. */
  onStart?: ((name: string, id: ProcessId) => void) | undefined
  /** Stops waiting for readiness and stops the process. */
  signal?: AbortSignal | undefined
  /** Called every 5 s while it is not ready, with the reason. */
  progress?: ((line: string) => void) | undefined
}

export interface ServerOptions extends StartOptions {
  /** The server's own folder. Made when missing; what it holds is kept. */
  dataDir: string
  /** Listen here (127.0.0.1). Default: a free port. */
  port?: number
}

/** Its `stop` returns when every process of the server is gone. */
export interface RunningServer extends Child {
  /** As in "18.4". */
  version: string
  url: string
}
