import type { AuditReport } from '../../core/audit/report.ts'
import type { AuditVerdict } from '../../core/contracts/control-room.ts'

const TOLD_MAX = 5

/** An audit in one word, with what is wrong. */
export async function verdictOf(runAudit: () => Promise<AuditReport>): Promise<AuditVerdict> {
  const { balanced, quiet, sales } = await runAudit()
  const wrong = sales.flatMap(({ saleId, checks }) =>
    checks.filter(({ state }) => state === 'wrong').map(({ name, detail }) => `${saleId}: ${name}: ${detail}`),
  )
  return {
    state: balanced ? (quiet ? 'accounted' : 'running') : 'wrong',
    atMs: Date.now(),
    wrong: wrong.slice(0, TOLD_MAX),
  }
}
