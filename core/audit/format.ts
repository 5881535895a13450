import Table from 'cli-table3'
import type { AuditReport, Check } from './report.ts'

/** The audit for a person: a row per sale, then what is not as it should be, then one sentence. */
export function formatAudit(report: AuditReport, inColour: boolean): string {
  const paint = (code: number, text: string) => (inColour ? `\u001B[${code}m${text}\u001B[39m` : text)
  const mark = ({ state }: Check) => (state === 'ok' ? paint(32, 'ok') : state === 'wrong' ? paint(31, 'WRONG') : paint(33, 'in flight'))
  const table = new Table({
    head: ['sale', 'stock', 'sold', 'in Redis', 'undecided', 'unpaid', 'paid', 'cancelled', 'refunded', 'rejected', '1', '2', '3', '4', '5', '6', '7', '9'],
    style: { head: [], border: [] },
  })
  for (const sale of report.sales) {
    table.push([
      sale.saleId, sale.stock, sale.sold, sale.redisLeft ?? '–', sale.undecided,
      sale.orders.PENDING_PAYMENT, sale.orders.PAID, sale.orders.CANCELLED, sale.orders.REFUNDED, sale.rejections, ...sale.checks.map(mark),
    ])
  }
  const legend = (report.sales[0]?.checks ?? []).map(({ id, name }) => `${id} ${name}`).join(' · ')
  const told = report.sales.flatMap((sale) => sale.checks.filter((check) => check.state !== 'ok').map((check) => `${mark(check)} ${sale.saleId}: ${check.detail}`))
  const queues = `Queues: ${report.queues.intake} at the intake, ${report.queues.waiting + report.queues.cancellations} timeouts, ${report.queues.deadLetters} dead letters; outbox ${report.outbox}.`
  return [table.toString(), legend, queues, ...told, verdict(report)].filter((line) => line !== '').join('\n')
}

function verdict({ balanced, quiet, sales }: AuditReport): string {
  if (!balanced) return 'NOT BALANCED: see above for the unit that is not accounted for.'
  if (sales.length === 0) return 'Balanced: there is no sale.'
  return quiet ? 'Balanced: every unit is accounted for.' : 'Balanced so far; some units are still on their way (see "in flight").'
}
