import { join } from 'node:path'
import { TYPESCRIPT_ARGS } from '../../core/platform/process/typescript-args.ts'
import { startChild } from '../../dev/processes.ts'
import { freePort } from '../../dev/servers/ports.ts'
import { waitUntilReady } from '../../dev/servers/ready.ts'
import type { Servers } from './servers.ts'

const CHECKOUT = join(import.meta.dirname, '../..')
const STOP_LIMIT_MS = 25_000

export interface Program {
  url: string
  stop: () => Promise<void>
}

export interface ProgramStart {
  name: string
  file: string
  env: Record<string, string>
  nodeArgs?: string[]
  /** Default: a free one. */
  port?: number
}

/** Starts a program that listens on the port it is told and answers /readyz: a yardstick, a naive design, a gateway. */
export async function startProgram({ folder, onStart }: Servers, start: ProgramStart): Promise<Program> {
  const { name, file, env, nodeArgs = [], port = await freePort() } = start
  const logFile = join(folder, 'logs', `${name.replaceAll(/\W+/g, '-')}.log`)
  const child = startChild({
    command: process.execPath,
    args: [...TYPESCRIPT_ARGS, ...nodeArgs, file],
    cwd: CHECKOUT,
    logFile,
    graceMs: STOP_LIMIT_MS,
    env: { ...env, PORT: String(port), GATEWAY_PORT: String(port) },
  })
  onStart(name, child)
  const url = `http://127.0.0.1:${port}`
  const isReady = async () => (await fetch(`${url}/readyz`)).ok
  await waitUntilReady(isReady, { name, child })
  return { url, stop: () => child.stop() }
}
