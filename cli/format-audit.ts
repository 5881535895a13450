import type { AuditReport, Check, CheckState, SaleAudit } from '../core/audit/report.ts'

/** Columns of a terminal. */
const WIDTH_MAX = 100
const MARKS: Record<CheckState, { mark: string; colour: number; word: string }> = {
  ok: { mark: '✓', colour: 32, word: 'ok' },
  'in flight': { mark: '…', colour: 33, word: 'in flight' },
  wrong: { mark: '✗', colour: 31, word: 'WRONG' },
}

interface Column {
  head: string
  cell: (sale: SaleAudit) => string
}

const UNITS: Column[] = [
  { head: 'stock', cell: (sale) => String(sale.stock) },
  { head: 'sold', cell: (sale) => String(sale.sold) },
  { head: 'Redis', cell: (sale) => String(sale.redisLeft ?? '–') },
  { head: 'undecided', cell: (sale) => String(sale.undecided) },
  { head: 'unpaid', cell: (sale) => String(sale.orders.PENDING_PAYMENT) },
  { head: 'paid', cell: (sale) => String(sale.orders.PAID) },
  { head: 'cancelled', cell: (sale) => String(sale.orders.CANCELLED) },
  { head: 'refunded', cell: (sale) => String(sale.orders.REFUNDED) },
  { head: 'rejected', cell: (sale) => String(sale.rejections) },
]

/** The audit as text: a row per sale, then the findings, then the verdict. */
export function formatAudit(report: AuditReport, inColour: boolean): string {
  const paint = (state: CheckState, text: string) =>
    inColour ? `\u001B[${MARKS[state].colour}m${text}\u001B[39m` : text
  const findings = report.sales.flatMap(({ saleId, checks }) =>
    checks
      .filter(({ state }) => state !== 'ok')
      .map(({ id, state, detail }) => `${paint(state, MARKS[state].word)} ${saleId}, rule ${id}: ${detail}`),
  )
  const { intake, waiting, cancellations, deadLetters } = report.queues
  const queues = `Queues: ${intake} at the intake, ${waiting + cancellations} timeouts, ${deadLetters} dead letters; outbox ${report.outbox}.`
  return [
    ...table(report.sales, paint),
    ...legend(report.sales[0]?.checks ?? []),
    queues,
    ...findings,
    ...archived(report.sales),
    verdict(report),
  ].join('\n')
}

/** An id that leaves no room for the figures has a line of its own. */
function table(sales: SaleAudit[], paint: (state: CheckState, text: string) => string): string[] {
  const [first] = sales
  if (!first) return []
  const widths = UNITS.map(({ head, cell }) => Math.max(head.length, ...sales.map((sale) => cell(sale).length)))
  const units = (cells: string[]) => cells.map((cell, i) => cell.padStart(widths[i] ?? 0)).join(' ')
  const room = WIDTH_MAX - widths.reduce((sum, width) => sum + width + 1, 0) - first.checks.length * 2 - 1
  const idWidth = Math.max(
    'sale'.length,
    ...sales.map(({ saleId }) => saleId.length).filter((length) => length <= room),
  )
  const marks = ({ checks }: SaleAudit) => checks.map(({ state }) => paint(state, MARKS[state].mark)).join(' ')
  return [
    `${'sale'.padEnd(idWidth)} ${units(UNITS.map(({ head }) => head))}  ${first.checks.map(({ id }) => id).join(' ')}`,
    ...sales.flatMap((sale) => {
      const row = `${units(UNITS.map(({ cell }) => cell(sale)))}  ${marks(sale)}`
      return sale.saleId.length <= idWidth
        ? [`${sale.saleId.padEnd(idWidth)} ${row}`]
        : [sale.saleId, `${' '.repeat(idWidth)} ${row}`]
    }),
  ]
}

const RULES_PER_LINE = 3

function legend(checks: Check[]): string[] {
  if (checks.length === 0) return []
  const rules = checks.map(({ id, name }) => `${id} ${name}`)
  const lines = Array.from({ length: Math.ceil(rules.length / RULES_PER_LINE) }, (_, i) =>
    rules.slice(i * RULES_PER_LINE, (i + 1) * RULES_PER_LINE).join(' · '),
  )
  return [
    ...lines,
    Object.values(MARKS)
      .map(({ mark, word }) => `${mark} ${word}`)
      .join(' · '),
  ]
}

const archived = (sales: SaleAudit[]) =>
  sales.flatMap(({ saleId, archivedAt }) =>
    archivedAt ? [`${saleId} is archived since ${archivedAt}; these are its figures in the archive.`] : [],
  )

function verdict({ balanced, quiet, sales }: AuditReport): string {
  if (!balanced) return 'NOT BALANCED: a unit is not accounted for, see above.'
  if (sales.length === 0) return 'Balanced: there is no live sale.'
  return quiet
    ? 'Balanced: every unit is accounted for.'
    : 'Balanced so far; some units are still in flight, see above.'
}
