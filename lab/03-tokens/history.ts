import { BURST, RATE_PER_SECOND } from './limiters.ts'

/** What a request was told, or what became of a part of the limiter. */
export interface Step {
  did: 'ADMITTED' | 'REFUSED' | 'NO_ANSWER' | 'GENERATOR_DIED' | 'SECOND_GENERATOR' | 'BROKER_KILLED'
  at: number
  request?: number
  /** From the question to the answer. */
  tookMs?: number
}

/** What a token bucket admits in any second: what was in it, and what came in. */
export const ALLOWED = BURST + RATE_PER_SECOND
/** A process that was not scheduled may note some admissions late, and so close together. */
const SLACK = 1.25

export const isTooMany = (inSecond: number): boolean => inSecond > ALLOWED * SLACK

/** @param admitted until then, this one included */
export const inSecondUntil = ({ at }: Step, admitted: Step[]): number =>
  admitted.filter((other) => other.at > at - 1_000 && other.at <= at).length
