import type { Bench } from './context.ts'
import type { Audit } from './control-room.ts'
import type { SaleCheck } from './results.ts'

/** Every sale at rest: the shop's own audit, and as many orders as buyers who were told 202. */
export async function auditSales({ controlRoom, accepted, unexpected }: Bench): Promise<SaleCheck[]> {
  const { quiet, sales } = await controlRoom.auditAtRest()
  const checks = [...accepted].map(([saleId, told]) =>
    checkSale(
      saleId,
      told,
      quiet,
      sales.find((sale) => sale.saleId === saleId),
    ),
  )
  unexpected.push(...checks.flatMap(({ saleId, problems }) => problems.map((problem) => `sale ${saleId}: ${problem}`)))
  return checks
}

function checkSale(saleId: string, told: number, quiet: boolean, sale: Audit['sales'][number] | undefined): SaleCheck {
  const wrong = (sale?.checks ?? [])
    .filter(({ state }) => state !== 'ok')
    .map(({ name, state, detail }) => `${name} ${state}: ${detail}`)
  const sold = sale?.sold ?? 0
  const problems = [
    ...wrong,
    ...(sale ? [] : ['the audit does not know it']),
    ...(sold === told ? [] : [`${told} buyers were told 202, ${sold} units are sold`]),
    ...(quiet ? [] : ['something is still on its way']),
  ]
  return { saleId, accepted: told, sold, balanced: sale !== undefined && wrong.length === 0, quiet, problems }
}
