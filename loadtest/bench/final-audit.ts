import type { Bench } from './context.ts'
import type { SaleCheck } from './results.ts'

/** Every sale at rest: the shop's own audit, and as many orders as buyers who were told 202. */
export async function auditSales({ controlRoom, accepted, unexpected }: Bench, say: (line: string) => void): Promise<SaleCheck[]> {
  const checks: SaleCheck[] = []
  for (const [saleId, told] of accepted) {
    say(saleId)
    const { balanced, quiet, sales } = await controlRoom.auditAtRest(saleId)
    const sale = sales[0]
    const problems = [
      ...(sale?.checks ?? []).filter(({ state }) => state !== 'ok').map(({ name, state, detail }) => `${name} ${state}: ${detail}`),
      ...(sale?.sold === told ? [] : [`${told} buyers were told 202, ${sale?.sold ?? 0} units are sold`]),
      ...(quiet ? [] : ['something is still on its way']),
    ]
    checks.push({ saleId, accepted: told, sold: sale?.sold ?? 0, balanced, quiet, problems })
    unexpected.push(...problems.map((problem) => `sale ${saleId}: ${problem}`))
    if (!balanced && problems.length === 0) unexpected.push(`sale ${saleId}: not balanced`)
  }
  return checks
}
