import type { Guard } from '../guard.ts'

const RECONCILING = 'cancel-worker/reconcile.test.ts'
const STOCK = 'core/stock/opening-rules.test.ts'
const TICKETS = 'gateway/opening/tickets.test.ts'
const WORK = 'gateway/opening/proof-of-work.test.ts'
const RISK = 'gateway/opening/risk.test.ts'
const OPENING = 'test/opening.test.ts'

/** The rules of a sale's opening: tickets, proof of work, and the wait after lapsed orders. */
export const openingGuards: Guard[] = [
  {
    rule: 'the reconciler sees that the rules of the opening differ',
    file: 'core/stock/sale-state.ts',
    text: "  'opening',\n",
    without: '',
    tests: { file: RECONCILING, named: 'what Redis says of a sale' },
  },
  {
    rule: 'a purchase without a valid ticket is refused where the sale asks for one',
    file: 'gateway/opening/check-carried.ts',
    text: "  if (typeof checked === 'string') return checked\n",
    without: "  if (typeof checked === 'string') return {}\n",
    tests: { file: 'test/purchase-paths.test.ts', named: 'a purchase gets the same answer' },
  },
  {
    rule: 'a purchase that is repeated after its ticket has expired gets what it got',
    file: 'gateway/buy.ts',
    text: '    return repeated || { status: carried }\n',
    without: '    return { status: carried }\n',
    tests: { file: OPENING, named: 'a ticket that has expired' },
  },
  {
    rule: 'an expired ticket does not bring an ended reservation back',
    file: 'gateway/opening/repeated-purchase.ts',
    text: ' && LIVE.includes(record.status)',
    without: '',
    tests: { file: OPENING, named: 'a ticket that has expired' },
  },
  {
    rule: 'a forged ticket is not valid',
    file: 'gateway/opening/tickets.ts',
    text: "      if (!isSame(ticket.slice(end + 1), sign(claims))) return 'TICKET_INVALID'\n",
    without: '',
    tests: { file: TICKETS, named: 'a ticket under another secret' },
  },
  {
    rule: 'a ticket is valid for its own purchase alone',
    file: 'gateway/opening/tickets.ts',
    text: "      if (!claims.startsWith(subject)) return 'TICKET_OF_ANOTHER'\n",
    without: '',
    tests: { file: TICKETS, named: 'a ticket is not valid for' },
  },
  {
    rule: 'a ticket ends',
    file: 'gateway/opening/tickets.ts',
    text: "      if (parseInt(expiresAt, 36) <= nowMs) return 'TICKET_EXPIRED'\n",
    without: '',
    tests: { file: TICKETS, named: 'a ticket is valid for its purchase' },
  },
  {
    rule: 'a ticket whose order has ended buys nothing more',
    file: 'core/stock/reserve.lua',
    text: "    if was_order and is_of_ticket and is_before then return 'TICKET_USED' end\n",
    without: '',
    tests: { file: STOCK, named: 'the rules of the opening' },
  },
  {
    rule: 'a ticket that was given after an ended order buys again',
    file: 'core/stock/reserve.lua',
    text: '(reserved_at_ms >= ticket_given_at_ms or is_of_future)',
    without: 'true',
    tests: { file: STOCK, named: 'the rules of the opening' },
  },
  {
    rule: "orders under other keys do not bring a used ticket back once the buyer's record has forgotten its order",
    file: 'core/stock/reserve.lua',
    text: ' or ticket_given_at_ms == 0 or may_forget',
    without: ' or ticket_given_at_ms == 0',
    tests: { file: STOCK, named: 'the rules of the opening orders under' },
  },
  {
    rule: 'a ticket of a time to come is for one order',
    file: 'core/stock/reserve.lua',
    text: ' or is_of_future)',
    without: ')',
    tests: { file: STOCK, named: 'the rules of the opening a ticket of a time' },
  },
  {
    rule: 'after a rebuild, too, the newest of ended orders stay in the record of a buyer',
    file: 'core/stock/refill.lua',
    text: '  table.sort(reservations, function(one, other) return reserved_at(one) < reserved_at(other) end)\n',
    without: '',
    tests: { file: 'core/stock/sale-admin.test.ts', named: 'filling in keeps the newest' },
  },
  {
    rule: 'who solves a challenge slowly gets a ticket that is valid',
    file: 'gateway/opening/give-tickets.ts',
    text: 'Math.max(nowMs, sale.opensAtMs)',
    without: 'Math.max(givenAtMs, sale.opensAtMs)',
    tests: { file: 'test/hostile/opening.test.ts', named: 'a clock of a slow device' },
  },
  {
    rule: 'a buyer who let too many orders lapse waits',
    file: 'core/stock/reserve.lua',
    text: "  if wait_ms > 0 then return 'LAPSED\\t' .. math.ceil(wait_ms) end\n",
    without: '',
    tests: { file: STOCK, named: 'the rules of the opening' },
  },
  {
    rule: 'cancelled orders do not push lapsed ones out of the record',
    file: 'core/stock/book.lua',
    text: "    local is_lapsed = reservations[i][REASON] == 'UNPAID'\n",
    without: '    local is_lapsed = false\n',
    tests: { file: STOCK, named: 'the rules of the opening' },
  },
  {
    rule: 'a rebuilt ledger knows when orders lapsed',
    file: 'core/rebuild/reopen-sale.ts',
    text: "CASE WHEN o.end_reason = 'UNPAID' AND",
    without: 'CASE WHEN false AND',
    tests: { file: OPENING, named: 'a buyer who lets orders lapse' },
  },
  {
    rule: 'a proof is valid for its own purchase, and for ten minutes',
    file: 'gateway/opening/proof-of-work.ts',
    text: "      if (data.subject !== subjectOf(purchase) || expiresAt * 1_000 <= nowMs) return 'PROOF_INVALID'\n",
    without: '',
    tests: { file: WORK, named: 'a proof' },
  },
  {
    rule: 'a proof that is not right is refused',
    file: 'gateway/opening/proof-of-work.ts',
    text: "      return verified ? { givenAtMs: data.givenAtMs } : 'PROOF_INVALID'\n",
    without: '      return verified || !verified ? { givenAtMs: data.givenAtMs } : data\n',
    tests: { file: WORK, named: 'a proof of' },
  },
  {
    rule: 'a ticket of a sale with proof of work takes its time from the challenge, so that one solution is one ticket',
    file: 'gateway/opening/give-tickets.ts',
    text: '    givenAtMs = solved.givenAtMs\n',
    without: '',
    tests: { file: OPENING, named: 'proof of work' },
  },
  {
    rule: 'no tickets are given before their time',
    file: 'gateway/opening/give-tickets.ts',
    text: "  if (nowMs < fromMs) return { status: 'TICKETS_NOT_YET', nowMs, fromMs }\n",
    without: '',
    tests: { file: OPENING, named: 'a ticket' },
  },
  {
    rule: 'a buyer of too high a risk gets no ticket',
    file: 'gateway/opening/give-tickets.ts',
    text: "  if (score >= opening.ticket.refuseFrom) return { status: 'TICKET_REFUSED' }\n",
    without: '',
    tests: { file: OPENING, named: 'a ticket' },
  },
  {
    rule: 'a buyer on the blacklist gets no ticket',
    file: 'gateway/opening/give-tickets.ts',
    text: "  if (facts.isBlacklisted) return { status: 'NOT_ELIGIBLE' }\n",
    without: '',
    tests: { file: OPENING, named: 'a ticket' },
  },
  {
    rule: 'an account that says to be from the future counts as new',
    file: 'gateway/opening/risk.ts',
    text: 'accountAgeMs < DAY_MS ? 30',
    without: 'accountAgeMs > 0 && accountAgeMs < DAY_MS ? 30',
    tests: { file: RISK, named: 'the risk of' },
  },
  {
    rule: 'tickets are limited by address',
    file: 'gateway/routes/limit.ts',
    text: "  if (TICKET.test(path)) return 'ticket'\n",
    without: '',
    tests: { file: OPENING, named: 'tickets and challenges are limited' },
  },
]
