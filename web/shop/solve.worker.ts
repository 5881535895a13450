import { type Challenge, type Solution, solveChallenge } from 'altcha-lib'
import { deriveKey } from 'altcha-lib/algorithms/web/pbkdf2'

/** What the page hears of the work, until it is done. */
export type Progress = { tried: number } | { solution: Solution }

/** More often than this the page cannot show it. */
const REPORTED_EVERY_MS = 100

const page = globalThis as unknown as Worker
const report = (progress: Progress) => page.postMessage(progress, [])

/** Runs beside the page, which stays usable meanwhile; the page ends it. */
page.addEventListener('message', ({ data }: MessageEvent<Challenge>) => void solve(data))

async function solve(challenge: Challenge): Promise<void> {
  let tried = 0
  let reportedAtMs = performance.now()
  const solution = await solveChallenge({
    challenge,
    // The challenge's own expiry is the limit.
    timeout: 0,
    deriveKey(...of) {
      tried++
      if (performance.now() - reportedAtMs > REPORTED_EVERY_MS) {
        reportedAtMs = performance.now()
        report({ tried })
      }
      return deriveKey(...of)
    },
  })
  if (solution) report({ solution })
}
