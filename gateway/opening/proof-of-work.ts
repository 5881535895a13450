import { createChallenge, randomInt, verifySolution } from 'altcha-lib'
import { deriveKey } from 'altcha-lib/algorithms/pbkdf2'
import { z } from 'zod'
import type { Challenge } from '../../core/contracts/opening.ts'
import { keyFor, subjectOf, type TicketFor } from './tickets.ts'

/** Of one try. A browser computes it natively, so that a script has little advantage. */
const ITERATIONS = 1_000
const SOLVED_WITHIN_MS = 10 * 60_000

export interface ProofOfWork {
  /** @param tries that it takes on average */
  challenge: (purchase: TicketFor, tries: number, nowMs: number) => Promise<Challenge>
  /** When the challenge was given, if `proof` solves one of this purchase. */
  check: (proof: string, purchase: TicketFor, nowMs: number) => Promise<{ givenAtMs: number } | 'PROOF_INVALID'>
}

const hex = (lengthMax: number) =>
  z
    .string()
    .regex(/^([0-9a-f]{2})+$/)
    .max(lengthMax)
/** What the protocol's clients send: base64 of this as JSON. */
const Payload = z.object({
  challenge: z.object({
    parameters: z.looseObject({
      expiresAt: z.number(),
      keySignature: hex(128),
      data: z.strictObject({ subject: z.string(), givenAtMs: z.int(), triesMax: z.int() }),
    }),
    signature: hex(128),
  }),
  solution: z.object({
    counter: z
      .int()
      .min(0)
      .max(2 ** 32 - 1),
    derivedKey: hex(128),
  }),
})

/**
 * Proof of work by the ALTCHA protocol, version 2, without a memory: a challenge is signed, and bound to a purchase of
 * one buyer. A solution that is sent again gets a ticket of the same time as before, which is used up with it.
 */
export function createProofOfWork(secret: string): ProofOfWork {
  const signing = {
    hmacSignatureSecret: keyFor('challenges', secret).toString('hex'),
    // With it a check is an HMAC; without, it would be as much work as a try.
    hmacKeySignatureSecret: keyFor('solutions', secret).toString('hex'),
  }
  return {
    async challenge(purchase, tries, nowMs) {
      const triesMax = Math.max(1, Math.round(2 * tries) - 1)
      return (await createChallenge({
        ...signing,
        algorithm: 'PBKDF2/SHA-256',
        cost: ITERATIONS,
        counter: randomInt(triesMax) - 1,
        deriveKey,
        expiresAt: Math.ceil((nowMs + SOLVED_WITHIN_MS) / 1_000),
        data: { subject: subjectOf(purchase), givenAtMs: nowMs, triesMax },
      })) as Challenge
    },
    async check(proof, purchase, nowMs) {
      const payload = read(proof)
      if (!payload) return 'PROOF_INVALID'
      const { challenge, solution } = payload
      const { data, expiresAt } = challenge.parameters
      if (data.subject !== subjectOf(purchase) || expiresAt * 1_000 <= nowMs) return 'PROOF_INVALID'
      const { verified } = await verifySolution({
        ...signing,
        challenge: challenge as never,
        solution: { ...solution, time: 0 },
        deriveKey,
      })
      return verified ? { givenAtMs: data.givenAtMs } : 'PROOF_INVALID'
    },
  }
}

function read(proof: string): z.output<typeof Payload> | undefined {
  try {
    return Payload.safeParse(JSON.parse(Buffer.from(proof, 'base64').toString())).data
  } catch {
    return undefined
  }
}
