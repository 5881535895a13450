import type { ServiceProblem } from '../../core/contracts/control-room.ts'
import type { NamedProblem } from '../../core/platform/process/readiness.ts'

/** More than a check of a service takes that waits for a server of its own. */
const ANSWER_LIMIT_MS = 5_000

/** Asks every service whether it is ready. @returns what is wrong, none when all are ready. Never throws. */
export async function readProblems(urls: readonly [service: string, url: string][]): Promise<ServiceProblem[]> {
  return (await Promise.all(urls.map(([service, url]) => problemsOf(service, url)))).flat()
}

async function problemsOf(service: string, url: string): Promise<ServiceProblem[]> {
  try {
    const answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(ANSWER_LIMIT_MS) })
    const { problems } = (await answer.json()) as { problems: NamedProblem[] }
    return problems.map((problem) => ({ service, ...problem }))
  } catch {
    return [
      {
        service,
        check: 'process',
        code: 'NOT_ANSWERING',
        detail: `It does not answer at ${new URL(url).origin}; its log says why.`,
      },
    ]
  }
}
