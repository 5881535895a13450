import type { Registry } from 'prom-client'
import type { AuditReport } from '../core/audit/report.ts'
import type { Logger } from '../core/platform/process/log.ts'
import { METRICS } from '../core/contracts/metrics.ts'
import { gauge } from '../core/platform/process/metrics.ts'
import { sparingly } from './live/source.ts'

/** It reads whole tables: at most this often, and for at most this share of the time. */
const AUDIT = { everyMs: 10_000, shareMax: 0.1 }
const NAMED_MAX = 5

export interface AuditWatchDeps {
  audit: () => Promise<AuditReport>
  metrics: Registry
  log: Logger
}

/** Audits in the background, and shows how many sales are wrong by each check, and how old that finding is. */
export function auditWatch({ audit, metrics, log }: AuditWatchDeps): () => Promise<unknown> {
  const wrong = gauge(metrics, 'seckill_audit_wrong')
  let auditedAtMs = performance.now()
  gauge(metrics, 'seckill_audit_age_seconds', (age) => age.set((performance.now() - auditedAtMs) / 1_000))
  let known = 0
  const auditing = sparingly(AUDIT, async () => {
    const { sales } = await audit()
    auditedAtMs = performance.now()
    const found = sales.flatMap(({ saleId, checks }) =>
      checks.filter(({ state }) => state === 'wrong').map((check) => ({ saleId, ...check })),
    )
    for (const check of METRICS.seckill_audit_wrong.labels.check)
      wrong.set({ check }, found.filter(({ id }) => String(id) === check).length)
    if (found.length > known)
      log.error(
        { wrong: found.slice(0, NAMED_MAX).map(({ saleId, name, detail }) => `${saleId}: ${name}: ${detail}`) },
        'the audit found what is not accounted for; npm run audit shows all of it',
      )
    known = found.length
  })
  return () => auditing.sample()
}
