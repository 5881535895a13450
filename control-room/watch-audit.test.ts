import { Registry } from 'prom-client'
import { expect, test, vi } from 'vitest'
import type { AuditReport, Check } from '../core/audit/report.ts'
import { createLog } from '../core/platform/process/log.ts'
import { auditWatch } from './watch-audit.ts'

const check = (id: Check['id'], state: Check['state']): Check => ({ id, name: `rule ${id}`, state, detail: 'a detail' })
const report = (...sales: Check[][]) =>
  ({ sales: sales.map((checks, i) => ({ saleId: `sale-${i}`, checks })) }) as unknown as AuditReport

test('sales that are wrong are counted by check, the log names them once, and a failed audit grows old', async () => {
  vi.useFakeTimers()
  try {
    const metrics = new Registry()
    const said: unknown[] = []
    const log = Object.assign(createLog('test', 'silent'), { error: (what: unknown) => said.push(what) })
    const audit = vi
      .fn<() => Promise<AuditReport>>()
      .mockResolvedValue(report([check(1, 'ok'), check(2, 'wrong')], [check(2, 'wrong'), check(3, 'in flight')]))
    const watch = auditWatch({ audit, metrics, log })
    const shown = async (passedMs: number) => {
      await vi.advanceTimersByTimeAsync(passedMs)
      await watch()
      await vi.advanceTimersByTimeAsync(0)
      return metrics.metrics()
    }
    const first = await shown(1_000)
    expect(first).toContain('seckill_audit_wrong{check="2"} 2\n')
    expect(first).toContain('seckill_audit_wrong{check="3"} 0\n')
    expect(first).toContain('seckill_audit_age_seconds 0\n')
    expect(said).toEqual([{ wrong: ['sale-0: rule 2: a detail', 'sale-1: rule 2: a detail'] }])

    audit.mockRejectedValue(new Error('PostgreSQL is away'))
    expect(await shown(20_000)).toContain('seckill_audit_age_seconds 20\n')
    audit.mockResolvedValue(report([check(2, 'ok')]))
    const mended = await shown(20_000)
    expect(mended).toContain('seckill_audit_wrong{check="2"} 0\n')
    expect(mended).toContain('seckill_audit_age_seconds 0\n')
    expect(said).toHaveLength(1)
  } finally {
    vi.useRealTimers()
  }
})
