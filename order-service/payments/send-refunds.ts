import { readArchive } from '../../core/platform/stores/archive.ts'
import type { Database, Transaction } from '../../core/platform/stores/database.ts'
import { failpoint } from '../../core/platform/process/failpoint.ts'
import type { Logger } from '../../core/platform/process/log.ts'
import type { Loops } from '../../core/platform/process/loops.ts'
import type { PaymentProvider } from './provider.ts'
import { Rests } from './rests.ts'

/** Refunds of one run; the next run takes the rest. */
const RUN_MAX = 100
/** After so many failures the provider is likely away, and the others need not be tried just now. */
const RUN_FAILURES_MAX = 3
const FIRST_REST_MS = 1_000
const LONGEST_REST_MS = 60_000

export interface RefundDeps {
  database: Database
  provider: PaymentProvider
  log: Logger
}

interface DueRefund {
  refundId: string
  paymentId: string
  providerRef: string
  amountCents: number
}

type Sending = 'SENT' | 'FAILED' | 'NONE_DUE'

/**
 * Sends what is to be given back, again and again until the provider has taken it. Several services may do so at once.
 */
export function startRefunds(deps: RefundDeps, loops: Loops, intervalMs: number): { close: () => Promise<void> } {
  const rests = new Rests(FIRST_REST_MS, LONGEST_REST_MS)
  const stop = new AbortController()
  const { close } = loops.repeat('refunds', intervalMs, () => sendRefunds(deps, rests, stop.signal))
  return {
    close: () => {
      stop.abort()
      return close()
    },
  }
}

/** One run, oldest refund first. A failing one rests with growing pauses and holds nobody else up. */
export async function sendRefunds(deps: RefundDeps, rests: Rests, signal?: AbortSignal): Promise<void> {
  let failures = 0
  for (let tried = 0; tried < RUN_MAX && failures < RUN_FAILURES_MAX && !signal?.aborted; tried++) {
    const sending = await sendOldest(deps, rests)
    if (sending === 'NONE_DUE') return
    if (sending === 'FAILED') failures += 1
  }
}

/**
 * The row stays locked for the one call, whose time limit is far below the transaction's, so that another service skips
 * it. A crash between the call and the commit sends it again: the provider knows it by its id.
 */
async function sendOldest({ database, provider, log }: RefundDeps, rests: Rests): Promise<Sending> {
  return database.$transaction(async (tx) => {
    const refund = (await lockOldest(tx, rests.resting())) ?? (await lockOldestArchived(tx, rests.resting()))
    if (!refund) return 'NONE_DUE'
    try {
      await provider.refund(refund)
    } catch (error) {
      const restMs = rests.failed(refund.refundId)
      log.warn({ err: error, refundId: refund.refundId, againInMs: restMs }, 'refund was not taken, trying again later')
      return 'FAILED'
    }
    failpoint('refund.beforeWrittenDown')
    await tx.$executeRaw`UPDATE refunds SET completed_at = now() WHERE id = ${refund.refundId}::uuid`
    rests.done(refund.refundId)
    log.info(refund, 'refunded')
    return 'SENT'
  })
}

/** Of money that arrived after its sale was archived; what follows in the transaction writes to the archive, too. */
async function lockOldestArchived(tx: Transaction, resting: string[]): Promise<DueRefund | undefined> {
  await readArchive(tx)
  return lockOldest(tx, resting)
}

async function lockOldest(tx: Transaction, resting: string[]): Promise<DueRefund | undefined> {
  const [refund] = await tx.$queryRaw<DueRefund[]>`
    SELECT r.id AS "refundId", r.payment_id AS "paymentId", p.provider_ref AS "providerRef", r.amount_cents AS "amountCents"
    FROM refunds r JOIN payments p ON p.id = r.payment_id
    WHERE r.completed_at IS NULL AND r.id <> ALL(${resting}::uuid[])
    ORDER BY r.requested_at LIMIT 1 FOR UPDATE OF r SKIP LOCKED`
  return refund
}
