import type { ListrTask } from 'listr2'
import type { LauncherApi } from './launcher-api.ts'
import { yieldToLightSide } from './priority.ts'
import type { Child } from './processes.ts'
import type { RunRecord } from './run-file.ts'
import type { StartOptions } from './servers/running-server.ts'
import type { Service } from './services.ts'
import { Supervisor } from './supervise.ts'

export interface Plan {
  folder: string
  /** Servers of several nodes, and services that run twice. */
  isCluster: boolean
  services: readonly Service[]
  /** The services' environment. The tasks add the servers' URLs. */
  settings: NodeJS.ProcessEnv
  /** Only the control room gets its URL and token. */
  launcherApi: Pick<LauncherApi, 'env'>
  record: RunRecord
  /** What the tasks start is added here, the moment before it starts. */
  supervisors: Supervisor[]
  say: (line: string) => void
  /** No task starts anything more once it aborts. */
  signal: AbortSignal
}

/** Its cause comes with the end of a log, which the list would repeat at every level. */
export class NotStarted extends Error {}

export interface Outcome {
  /** None when the control room is not ours. */
  saleId?: string
}

export type Progress = (line: string) => void
type Work = (progress: Progress, outcome: Outcome) => Promise<string | void>

/** A line of the list, which ends with what its work returns. */
export function step(title: string, work: Work, skipped?: string): ListrTask<Outcome> {
  return {
    title,
    skip: () => (skipped ? `${title}: ${skipped}` : false),
    task: async (outcome, task) => {
      const progress = (line: string) => {
        task.output = line
      }
      const said = await work(progress, outcome).catch((cause: unknown) => {
        throw new NotStarted('see below', { cause })
      })
      if (said) task.title = `${title}: ${said}`
    },
  }
}

export const group = (title: string, tasks: ListrTask<Outcome>[]): ListrTask<Outcome> => ({
  title,
  task: (_, task) => task.newListr(tasks, { concurrent: true }),
})

/** Starts something, and keeps it running. */
export async function keep<Running extends Child>(
  { supervisors, say, signal, record }: Plan,
  name: string,
  progress: Progress,
  start: (options: StartOptions) => Promise<Running>,
): Promise<Running> {
  signal.throwIfAborted()
  const onStart: StartOptions['onStart'] = (started, id) => {
    record.started(started, id)
    yieldToLightSide(started, id.pid, say)
  }
  const supervisor = new Supervisor({ name, say, start: (stop) => start({ onStart, progress, signal: stop }) })
  supervisors.push(supervisor)
  return await supervisor.start()
}
