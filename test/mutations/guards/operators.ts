import type { Guard } from '../guard.ts'

const ARCHIVING = 'core/archive/archive-sale.test.ts'
const CHANGING = 'control-room/change-sale.test.ts'
const DOOR = 'core/stock/sale-admin.test.ts'

/** What operators may do to a sale that runs, and to one that has ended. */
export const operatorGuards: Guard[] = [
  {
    rule: 'no sale is made under the id of an archived one',
    file: 'control-room/open-sale.ts',
    text: '  if (await isArchived(deps.database, sale.id)) return undefined\n',
    without: '',
    tests: { file: ARCHIVING, named: 'no sale is made' },
  },
  {
    rule: 'units are withdrawn only from an open ledger of the epoch that was read',
    file: 'core/stock/withdraw.lua',
    text: 'if found_epoch ~= epoch or found_run_id ~= run_id then return 0 end\n',
    without: '',
    tests: { file: DOOR, named: 'units are withdrawn' },
  },
  {
    rule: 'the widest window that a sale ever had is kept, for the audit and the archive',
    file: 'control-room/change-sale.ts',
    text: 'latest(closesAt, found.latestClosesAt ?? found.closesAt)',
    without: 'closesAt',
    tests: { file: CHANGING, named: 'the widest window' },
  },
  {
    rule: 'a sale with unpaid orders is not archived',
    file: 'core/archive/find-obstacles.ts',
    text: 'AND status = \'PENDING_PAYMENT\') AS "unpaid orders"',
    without: 'AND FALSE) AS "unpaid orders"',
    tests: { file: ARCHIVING, named: 'nothing moves of a sale that has an unpaid' },
  },
  {
    rule: 'a sale with ended orders that are not settled is not archived',
    file: 'core/archive/find-obstacles.ts',
    text: "AND status <> 'PENDING_PAYMENT' AND settled_at IS NULL",
    without: 'AND FALSE',
    tests: { file: ARCHIVING, named: 'nothing moves of a sale that has an order that' },
  },
  {
    rule: 'a sale with undecided reservations is not archived',
    file: 'core/archive/find-obstacles.ts',
    text: "'undecided reservations in Redis': undecided",
    without: "'undecided reservations in Redis': Math.min(0, undecided)",
    tests: { file: ARCHIVING, named: 'nothing moves of a sale that has a reservation' },
  },
  {
    rule: 'a sale is archived once the audit finds nothing',
    file: 'core/archive/find-obstacles.ts',
    text: 'obstacles.length > 0 ? obstacles : auditFindings(tx, saleId, limits)',
    without: 'obstacles',
    tests: { file: ARCHIVING, named: 'nothing moves of a sale that is not balanced' },
  },
]
