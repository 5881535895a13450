import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { startTime } from '../../dev/processes.ts'
import { serviceArgs } from '../bundles.ts'
import { eventually } from './eventually.ts'
import { endWithFile, noteProcess } from './left-behind.ts'
import type { ServiceName } from './system.ts'

/** Generous: on an idle machine a start takes half a second. */
const START_TAKES_MS = 60_000

/** A service in a process of its own, as in production. */
export interface ServiceProcess {
  pid: number
  output: () => string
  hasEnded: () => boolean
  kill: () => Promise<void>
  /** Sends SIGTERM, on which the service drains. @returns its exit code */
  terminate: () => Promise<number | null>
}

export async function startProcess(name: ServiceName, env: NodeJS.ProcessEnv): Promise<ServiceProcess> {
  const started = spawnProcess(name, env)
  const port = env[`${name.toUpperCase().replaceAll('-', '_')}_PORT`]
  try {
    await eventually(
      `${name} to be ready`,
      async () => {
        if (started.hasEnded()) throw new Error(`${name} ended`)
        return fetch(`http://127.0.0.1:${port}/readyz`).then(
          (answer) => answer.status,
          () => 0,
        )
      },
      (status) => status === 200,
      START_TAKES_MS,
    )
  } catch (error) {
    await started.kill() // The caller gets no handle to end it.
    throw new Error(`${(error as Error).message}\nIts output:\n${started.output()}`, { cause: error })
  }
  return started
}

/** Does not wait for readiness: the process may die before. */
export function spawnProcess(name: ServiceName, env: NodeJS.ProcessEnv): ServiceProcess {
  const child = spawn(process.execPath, serviceArgs(name), {
    env: { PATH: process.env.PATH, ...env, LOG_LEVEL: 'info' },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  const pid = child.pid ?? 0
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-20_000)
    })
  const exited = once(child, 'exit')
  const kill = async () => {
    child.kill('SIGKILL')
    await exited
  }
  endWithFile(kill)
  void noteProcess(name, { pid, startedAt: startTime(pid) ?? '' })
  return {
    pid,
    output: () => output,
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    kill,
    async terminate() {
      child.kill('SIGTERM')
      await exited
      return child.exitCode
    },
  }
}
