import { fork } from 'node:child_process'
import { on } from 'node:events'
import { join } from 'node:path'
import { TYPESCRIPT_ARGS } from '../../core/platform/process/typescript-args.ts'
import type { FromWorker, LoadPlan, LoadResult, PaidOrder } from './load/plan.ts'

export type Generator = ReturnType<typeof startGenerator>

/** The load generator: a process of its own, so that its CPU is told apart from all others. */
export function startGenerator(tokenSecret: string) {
  const child = fork(join(import.meta.dirname, 'load/worker.ts'), {
    execArgv: [...TYPESCRIPT_ARGS],
    env: { ...process.env, TOKEN_SECRET: tokenSecret },
  })
  return {
    pid: child.pid ?? 0,
    /** @throws when the generator could not do it, or has ended */
    async run(plan: LoadPlan): Promise<{ result: LoadResult; orders: PaidOrder[] }> {
      child.send(plan)
      for await (const [message] of on(child, 'message', { close: ['exit'] }) as AsyncIterable<[FromWorker]>) {
        if ('error' in message) throw new Error(message.error)
        return message
      }
      throw new Error('The load generator has ended.')
    },
    stop(): void {
      if (child.connected) child.disconnect()
    },
  }
}
