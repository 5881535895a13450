import { readArchive } from '../../core/platform/stores/archive.ts'
import type { Database, Transaction } from '../../core/platform/stores/database.ts'
import { failpoint } from '../../core/platform/process/failpoint.ts'
import type { Logger } from '../../core/platform/process/log.ts'
import type { Loops } from '../../core/platform/process/loops.ts'
import { beginTrace } from '../../core/platform/tracing/trace.ts'
import type { PaymentProvider } from './provider.ts'
import { RetryBackoff } from './retry-backoff.ts'

/** Refunds per run. */
const RUN_MAX = 100
/** A run stops after this many failures, because the provider is probably down. */
const RUN_FAILURES_MAX = 3
const BACKOFF_FIRST_MS = 1_000
const BACKOFF_MAX_MS = 60_000

export interface RefundDeps {
  database: Database
  provider: PaymentProvider
  log: Logger
}

interface DueRefund {
  reservationId: string
  refundId: string
  paymentId: string
  providerRef: string
  amountCents: number
}

type Sending = 'SENT' | 'FAILED' | 'NONE_DUE'

/** Sends due refunds until the provider accepts them. Several processes may do so at once. */
export function startRefunds(deps: RefundDeps, loops: Loops, intervalMs: number): { close: () => Promise<void> } {
  const backoff = new RetryBackoff(BACKOFF_FIRST_MS, BACKOFF_MAX_MS)
  const stop = new AbortController()
  const { close } = loops.repeat('refunds', intervalMs, () => sendRefunds(deps, backoff, stop.signal))
  return {
    close: () => {
      stop.abort()
      return close()
    },
  }
}

/** One run, oldest refund first. A failing refund backs off and does not hold up the others. */
export async function sendRefunds(deps: RefundDeps, backoff: RetryBackoff, signal?: AbortSignal): Promise<void> {
  let failures = 0
  for (let tried = 0; tried < RUN_MAX && failures < RUN_FAILURES_MAX && !signal?.aborted; tried++) {
    const sending = await sendOldest(deps, backoff)
    if (sending === 'NONE_DUE') return
    if (sending === 'FAILED') failures += 1
  }
}

/**
 * The row is locked during the call, whose time limit is far below the transaction's, so that other processes skip it.
 * A crash between call and commit sends the refund again, which the provider recognises by its id.
 */
async function sendOldest({ database, provider, log }: RefundDeps, backoff: RetryBackoff): Promise<Sending> {
  return database.$transaction(async (tx) => {
    const due = (await lockOldest(tx, backoff.paused())) ?? (await lockOldestArchived(tx, backoff.paused()))
    if (!due) return 'NONE_DUE'
    const { reservationId, ...refund } = due
    const trace = beginTrace()
    trace?.isAbout(reservationId)
    try {
      await provider.refund(refund)
      trace?.end(REFUND)
    } catch (error) {
      trace?.failed(error)
      trace?.end(REFUND)
      const retryInMs = backoff.failed(refund.refundId)
      log.warn({ err: error, refundId: refund.refundId, retryInMs }, 'refund failed, retrying later')
      return 'FAILED'
    }
    failpoint('refund.beforeWrittenDown')
    await tx.$executeRaw`UPDATE refunds SET completed_at = now() WHERE id = ${refund.refundId}::uuid`
    backoff.succeeded(refund.refundId)
    log.info(refund, 'refunded')
    return 'SENT'
  })
}

const REFUND = { name: 'send refund', kind: 'CLIENT' } as const

/** A payment that arrived after its sale was archived; what follows in the transaction writes to the archive, too. */
async function lockOldestArchived(tx: Transaction, pausedIds: string[]): Promise<DueRefund | undefined> {
  await readArchive(tx)
  return lockOldest(tx, pausedIds)
}

async function lockOldest(tx: Transaction, pausedIds: string[]): Promise<DueRefund | undefined> {
  const [refund] = await tx.$queryRaw<DueRefund[]>`
    SELECT r.id AS "refundId", r.payment_id AS "paymentId", p.provider_ref AS "providerRef",
      r.amount_cents AS "amountCents", (SELECT reservation_id FROM orders o WHERE o.id = p.order_id) AS "reservationId"
    FROM refunds r JOIN payments p ON p.id = r.payment_id
    WHERE r.completed_at IS NULL AND r.id <> ALL(${pausedIds}::uuid[])
    ORDER BY r.requested_at LIMIT 1 FOR UPDATE OF r SKIP LOCKED`
  return refund
}
