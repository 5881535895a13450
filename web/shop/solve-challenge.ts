import type { Challenge } from '../../core/contracts/opening.ts'
import type { Progress } from './solve.worker.ts'

/** Browsers compute keys for pages over HTTPS, and for those of this computer, only. */
export const canSolve = () => (crypto as Partial<Crypto>).subtle !== undefined

/**
 * Does the work of a challenge in a worker. @param onShare hears how much of the most that it can take is done, 0 to 1
 * @returns the proof as the shop takes it @throws when the worker fails, or the signal aborts
 */
export function solveChallenge(
  challenge: Challenge,
  onShare: (share: number) => void,
  signal: AbortSignal,
): Promise<string> {
  const worker = new Worker(new URL('./solve.worker.ts', import.meta.url), { type: 'module' })
  return new Promise<string>((resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true })
    worker.addEventListener('error', ({ message }) => reject(new Error(message)))
    worker.addEventListener('message', ({ data }: MessageEvent<Progress>) => {
      if ('solution' in data) resolve(btoa(JSON.stringify({ challenge, solution: data.solution })))
      else onShare(Math.min(1, data.tried / challenge.parameters.data.triesMax))
    })
    worker.postMessage(challenge, [])
  }).finally(() => worker.terminate())
}
