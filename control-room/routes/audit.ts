import type { RequestHandler } from 'express'
import { audit, type AuditDeps } from '../../core/audit/audit.ts'
import { BrokerUnreachable } from '../../core/platform/rabbit/depth-reader.ts'
import type { AuditReport } from '../../core/audit/report.ts'
import { SaleId } from '../../core/contracts/values.ts'
import { parse, ProblemError } from '../../core/platform/http/problem.ts'

/** GET /audit, GET /audit?sale=ID */
export function getAudit(deps: AuditDeps): RequestHandler {
  return async (req, res) => {
    const saleId = req.query.sale === undefined ? undefined : parse(SaleId, req.query.sale)
    const report = await auditOrUnavailable(deps, saleId)
    // An audit of no sale would be balanced: a mistyped id must be an error instead.
    if (saleId !== undefined && report.sales.length === 0)
      throw new ProblemError('NOT_FOUND', `There is no sale "${saleId}" to audit.`)
    res.json(report)
  }
}

async function auditOrUnavailable(deps: AuditDeps, saleId: string | undefined): Promise<AuditReport> {
  try {
    return await audit(deps, saleId)
  } catch (error) {
    if (!(error instanceof BrokerUnreachable)) throw error
    throw new ProblemError(
      'UNAVAILABLE',
      'The broker does not answer, and without its queues nothing can be called accounted for.',
      { retryAfterSeconds: 2 },
    )
  }
}
