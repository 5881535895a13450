import { type DatabaseSale, liveUnits } from './read-database.ts'
import type { StockReading } from './read-stock.ts'
import type { Check, CheckId, CheckState, Finding } from './report.ts'

/** Both sides of one sale, read one after the other: PostgreSQL (`earlier`), Redis, PostgreSQL again (`later`). */
export interface SaleReading {
  earlier: DatabaseSale
  stock: StockReading
  /** Buyers can reserve: Redis has the sale's newest epoch, known to be right in this run of the server. */
  isOpen: boolean
  /** It ended so long ago that its ledger may have expired. */
  isForgotten: boolean
  later: DatabaseSale
  findings: Finding[]
  /** Nothing was in flight, and both readings of PostgreSQL were equal. */
  quiet: boolean
}

const NAMES: Record<CheckId, string> = {
  1: 'never oversold',
  2: 'every unit accounted for',
  3: 'every reservation decided once',
  4: 'within the limit per buyer',
  5: 'every history legal',
  6: 'every event one effect',
  7: 'every promise answered',
  8: 'Redis and PostgreSQL agree',
  9: 'nothing outside the window',
}

/** The invariants of docs/architecture.md for one sale. */
export function checkSale(sale: SaleReading): Check[] {
  const byRules = ([3, 4, 5, 6, 7, 8, 9] as const).map((id) => check(id, named(sale, id)))
  return [check(1, [...overselling(sale)]), check(2, [unitBalance(sale)]), ...byRules]
}

interface Statement {
  state: CheckState
  detail: string
}

/** Its state is the worst of its statements; its detail has all that are not ok. */
function check(id: CheckId, statements: Statement[]): Check {
  const worst =
    (['wrong', 'in flight', 'ok'] as const).find((state) =>
      statements.some((statement) => statement.state === state),
    ) ?? 'ok'
  const details = statements.filter(({ state }) => state === worst || state !== 'ok').map(({ detail }) => detail)
  return { id, name: NAMES[id], state: worst, detail: details.join('; ') }
}

function* overselling({ later, stock }: SaleReading): Generator<Statement> {
  const { sold } = later
  const live = liveUnits(later)
  yield live <= later.stock && sold <= later.stock
    ? { state: 'ok', detail: `${live} of ${later.stock} units in live orders` }
    : { state: 'wrong', detail: `oversold: ${live} units in live orders, counter at ${sold}, of ${later.stock}` }
  if (sold !== live)
    yield { state: 'wrong', detail: `the sale's counter says ${sold} units sold, its live orders add up to ${live}` }
  if (later.returned !== later.endedUnits)
    yield {
      state: 'wrong',
      detail: `the sale's counter says ${later.returned} units returned, its ended orders add up to ${later.endedUnits}`,
    }
  if (stock.left !== null && stock.left < 0) yield { state: 'wrong', detail: `Redis has ${stock.left} units left` }
}

/** Quiet: every unit is either left or sold. Running: Redis may have too few, by those in flight, and never too many. */
function unitBalance({ earlier, later, stock, isOpen, isForgotten, quiet }: SaleReading): Statement {
  if (!isOpen) return closedDoor(later, isForgotten)
  if (stock.left === null) return { state: 'wrong', detail: 'Redis has the sale open without a number of units' }
  const sum = stock.left + liveUnits(later)
  const figures = `left ${stock.left} + sold ${liveUnits(later)} = ${sum} of ${later.stock}`
  // The reading of each term that makes it smaller: at the instant of Redis' answer at least so much was sold.
  const soldAtLeast = earlier.orderedUnits - later.endedUnits
  const excess = stock.left + soldAtLeast - later.stock
  if (excess > 0) return { state: 'wrong', detail: `Redis offers ${excess} more units than there are: ${figures}` }
  if (sum === later.stock) return { state: 'ok', detail: figures }
  return quiet
    ? { state: 'wrong', detail: `${later.stock - sum} units are lost: ${figures}, and nothing is in flight` }
    : { state: 'in flight', detail: `${figures}, the others are in flight` }
}

function closedDoor(later: DatabaseSale, isForgotten: boolean): Statement {
  if (isForgotten) return { state: 'ok', detail: 'the sale ended long ago, and its ledger in Redis has expired' }
  if (later.fencedEpoch === 0) return { state: 'in flight', detail: 'not brought into Redis yet' }
  return {
    state: 'in flight',
    detail: 'Redis may have lost the ledger of this sale; the sale is closed until the cancel worker has rebuilt it',
  }
}

function named(sale: SaleReading, id: CheckId): Statement[] {
  const findings = sale.findings.filter((finding) => finding.check === id)
  if (findings.length === 0) return [{ state: 'ok', detail: 'nothing found' }]
  return findings.map(({ state, what, count, ids }) => {
    const more = count > ids.length ? ` and ${count - ids.length} more` : ''
    return { state, detail: `${count} ${what}: ${ids.join(', ')}${more}` }
  })
}
