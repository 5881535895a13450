import { join } from 'node:path'
import { startChild } from '../../dev/processes.ts'
import { freePort } from '../../dev/servers/ports.ts'
import { waitUntilReady } from '../../dev/servers/ready.ts'
import type { Launch } from './system.ts'

const CHECKOUT = join(import.meta.dirname, '../..')
const START_LIMIT_MS = 30_000
const STOP_LIMIT_MS = 1_000

export interface Program {
  url: string
  stop: () => Promise<void>
}

/**
 * Starts one of the bench's own programs (the yardstick, a naive design), which listens on PORT and answers when ready.
 */
export async function startProgram(
  launch: Launch,
  name: string,
  file: string,
  env: Record<string, string>,
): Promise<Program> {
  const port = await freePort()
  const logFile = join(launch.folder, 'logs', `${name}.log`)
  const child = startChild({
    command: process.execPath,
    args: ['--import', 'tsx', file],
    cwd: CHECKOUT,
    logFile,
    graceMs: STOP_LIMIT_MS,
    env: { ...env, PORT: String(port), NODE_ENV: 'production' },
  })
  launch.onStart(name, child)
  const url = `http://127.0.0.1:${port}`
  const isReady = async () => (await fetch(`${url}/readyz`)).ok
  await waitUntilReady(isReady, { name, child, limitMs: START_LIMIT_MS })
  return { url, stop: () => child.stop() }
}
