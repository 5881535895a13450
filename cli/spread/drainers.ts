import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { TYPESCRIPT_ARGS } from '../../core/platform/process/typescript-args.ts'

export interface Drainers {
  /** Lets each finish what it has in hand. */
  stop: () => Promise<void>
}

/** Further processes of one subscriber. They join those that run, and take their share as any other. */
export function startDrainers(count: number, env: NodeJS.ProcessEnv, say: (line: string) => void): Drainers {
  const running = new Set<ChildProcess>()
  let isStopping = false
  for (let i = 0; i < count; i++) {
    const child = spawn(process.execPath, [...TYPESCRIPT_ARGS, join(import.meta.dirname, 'drainer.ts')], {
      env,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    running.add(child)
    child.once('exit', (code, signal) => {
      running.delete(child)
      if (!isStopping)
        say(`One of the further processes has ended (${signal ?? `exit code ${code}`}); the others go on.`)
    })
  }
  return {
    async stop() {
      isStopping = true
      await Promise.all(
        [...running].map(async (child) => {
          const ended = once(child, 'exit')
          child.kill('SIGTERM')
          await ended
        }),
      )
    },
  }
}
