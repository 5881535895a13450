import { type Challenge, type Solution, solveChallenge } from 'altcha-lib'
import { deriveKey } from 'altcha-lib/algorithms/web/pbkdf2'

/** What the page hears of the work, until it is done. */
export type Progress = { tried: number } | { solution: Solution }

/** Messages, not more of them than the page can show. */
const TOLD_EVERY_MS = 100

const page = globalThis as unknown as Worker
const tell = (progress: Progress) => page.postMessage(progress, [])

/** Runs beside the page, which stays usable meanwhile; the page ends it. */
page.addEventListener('message', ({ data }: MessageEvent<Challenge>) => void solve(data))

async function solve(challenge: Challenge): Promise<void> {
  let tried = 0
  let toldAtMs = performance.now()
  const solution = await solveChallenge({
    challenge,
    // The challenge's own expiry is the limit.
    timeout: 0,
    deriveKey(...of) {
      tried++
      if (performance.now() - toldAtMs > TOLD_EVERY_MS) {
        toldAtMs = performance.now()
        tell({ tried })
      }
      return deriveKey(...of)
    },
  })
  if (solution) tell({ solution })
}
