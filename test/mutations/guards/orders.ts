import type { Guard } from '../guard.ts'

const DATABASE = 'core/platform/database.test.ts'
const PLACING = 'core/orders/place-orders.test.ts'
const DECIDING = 'core/orders/decide.test.ts'
const REBUILDING = 'cancel-worker/rebuild-lost.test.ts'
const RECONCILING = 'cancel-worker/reconcile.test.ts'
const TELLING = 'core/orders/tell-ended.test.ts'
const TRANSITIONS = 'core/orders/transitions.test.ts'
const RELAY = 'order-service/relay-outbox.test.ts'
const ROUTES = 'order-service/http/routes.test.ts'

/** The PostgreSQL ledger: deciding, placing, cancelling, paying, refunding, rebuilding, setting right. */
export const orderGuards: Guard[] = [
  {
    rule: 'the database sells no more than the stock', file: 'core/orders/decide.ts',
    text: "return (room.get(saleId) ?? 0) < quantity ? 'SOLD_OUT' : undefined", without: 'return undefined', tests: { file: PLACING, named: 'placing services that together' },
  },
  {
    rule: 'what the broker refuses waits behind everything else', file: 'core/orders/outbox.ts',
    text: 'CASE WHEN rest.refused THEN now() ELSE refused_at END', without: 'refused_at', tests: { file: RELAY, named: 'what the broker refuses stays' },
  },
  {
    rule: 'a service without its database holds no messages', file: 'core/platform/rabbit/handle-items.ts',
    text: 'if (await isAway()) {', without: 'if (stop.aborted) {',
    tests: { file: 'core/platform/rabbit/batch-consumer.test.ts', named: 'a consumer whose servers do not answer' },
  },
  {
    rule: 'the counter is moved only within the stock', file: 'core/orders/record-verdicts.ts',
    text: ' AND sold + units <= stock`', without: '`', tests: { file: PLACING, named: 'placing a sale that somebody else' },
  },
  {
    rule: 'a batch whose counter did not move is rolled back', file: 'core/orders/record-verdicts.ts',
    text: 'if (counted !== sales.size) throw', without: 'if (counted < 0) throw', tests: { file: PLACING, named: 'placing a sale that somebody else' },
  },
  {
    rule: 'a reservation is decided once', file: 'core/orders/decide.ts',
    text: 'if (earlier) return { reservation, decision: earlier, isNew: false }', without: '', tests: { file: DECIDING, named: 'a repeat' },
  },
  {
    rule: 'one live order per buyer and sale', file: 'core/orders/decide.ts',
    text: ' || liveBuyers.has(buyerOfSale(saleId, buyerId))) return', without: ') return', tests: { file: DECIDING, named: 'one live order' },
  },
  {
    rule: 'late reservations become no order', file: 'core/orders/decide.ts',
    text: "      if (facts.nowMs - reservation.reservedAtMs > lifetimeMs) return 'EXPIRED'\n", without: '', tests: { file: DECIDING, named: 'late' },
  },
  {
    rule: 'reservations of before the fence become no order', file: 'core/orders/decide.ts',
    text: "      if (reservation.epoch < (facts.fencedEpoch.get(saleId) ?? 0)) return 'EXPIRED'\n", without: '', tests: { file: REBUILDING, named: 'what comes after the fence' },
  },
  {
    rule: 'deciders of one sale take turns', file: 'core/orders/read-facts.ts',
    text: 'ORDER BY id FOR UPDATE`', without: 'ORDER BY id`', tests: { file: PLACING, named: 'placing' },
  },
  {
    rule: 'sales are locked in one order', file: 'core/orders/read-facts.ts',
    text: 'ORDER BY id FOR UPDATE`', without: 'ORDER BY id DESC FOR UPDATE`', tests: { file: PLACING, named: 'placing sales are locked' },
  },
  {
    rule: 'orders and their messages are written together', file: 'core/orders/record-verdicts.ts',
    text: '      ${insertIntoOutbox(announce(verdicts, facts))}\n', without: '      SELECT 1\n', tests: { file: PLACING, named: 'placing' },
  },
  {
    rule: 'only an unpaid order is cancelled', file: 'core/orders/transitions.ts',
    text: "AND status = 'PENDING_PAYMENT' AND ${condition}", without: 'AND ${condition}', tests: { file: ROUTES, named: '200 races' },
  },
  {
    rule: 'only an unpaid order becomes paid', file: 'core/orders/transitions.ts',
    text: "    WHERE status = 'PENDING_PAYMENT' AND ${condition}\n", without: '    WHERE ${condition}\n', tests: { file: ROUTES, named: 'the callback for a cancelled' },
  },
  {
    rule: 'an order does not lapse before its deadline', file: 'core/orders/transitions.ts',
    text: 'Prisma.sql`payment_deadline <= now()`', without: 'Prisma.sql`TRUE`', tests: { file: TRANSITIONS, named: 'ending an order is not lapsed' },
  },
  {
    rule: 'only its buyer cancels an order', file: 'core/orders/transitions.ts',
    text: 'Prisma.sql`buyer_id = ${buyerId}`', without: 'Prisma.sql`TRUE`', tests: { file: TRANSITIONS, named: 'ending only its buyer' },
  },
  {
    rule: 'the same money counts once', file: 'core/orders/transitions.ts',
    text: ' AND received_at IS NULL`', without: '`', tests: { file: TRANSITIONS, named: 'ending the same money' },
  },
  {
    rule: 'a cancelled unit goes back to the counter', file: 'core/orders/transitions.ts',
    text: '  await countReturned(tx, cancelled)\n', without: '', tests: { file: TRANSITIONS, named: 'ending' },
  },
  {
    rule: 'only a paid order is refunded', file: 'core/orders/transitions.ts',
    text: " AND status = 'PAID'\n", without: '\n', tests: { file: TRANSITIONS, named: 'refunding' },
  },
  {
    rule: 'a refunded unit goes back to the counter', file: 'core/orders/transitions.ts',
    text: '  await countReturned(tx, [refunded])\n', without: '', tests: { file: TRANSITIONS, named: 'refunding' },
  },
  {
    rule: 'the money of a refunded order goes back', file: 'core/orders/transitions.ts',
    text: '  if (refunded.amountCents > 0) await oweMoneyBack(tx, orderId)\n', without: '', tests: { file: TRANSITIONS, named: 'refunding' },
  },
  {
    rule: 'only money that came goes back', file: 'core/orders/transitions.ts',
    text: ' AND received_at IS NOT NULL`', without: '`', tests: { file: TRANSITIONS, named: 'refunding' },
  },
  {
    rule: 'Redis hears of a refund after it has heard of the payment', file: 'core/orders/transitions.ts',
    text: ' told_at = NULL,', without: '', tests: { file: TELLING, named: 'the unit of a refunded' },
  },
  {
    rule: 'having told the payment is not having told the refund', file: 'core/orders/tell-ended.ts',
    text: ' AND o.status = told.status', without: '', tests: { file: TELLING, named: 'a refund that comes while' },
  },
  {
    rule: 'a unit is written down as given back only when Redis has it', file: 'core/orders/tell-ended.ts',
    text: "  return outcome !== 'CLOSED'\n", without: '  return outcome !== undefined\n', tests: { file: REBUILDING, named: 'an order cancelled between' },
  },
  {
    rule: 'the fence counts units of ended orders as given back', file: 'core/rebuild/fence-sale.ts',
    text: "    await tx.$executeRaw`UPDATE orders SET told_at = now() WHERE sale_id = ${saleId} AND status IN ('CANCELLED', 'REFUNDED') AND told_at IS NULL`\n", without: '',
    tests: { file: REBUILDING, named: 'an order cancelled between' },
  },
  {
    rule: 'the fence counts units of refunded orders as given back', file: 'core/rebuild/fence-sale.ts',
    text: "status IN ('CANCELLED', 'REFUNDED')", without: "status IN ('CANCELLED')", tests: { file: REBUILDING, named: 'an order refunded right' },
  },
  {
    rule: 'a sale is fenced once per epoch', file: 'core/rebuild/fence-sale.ts',
    text: ' AND fenced_epoch < epoch RETURNING', without: ' RETURNING', tests: { file: REBUILDING, named: 'a sale is fenced once' },
  },
  {
    rule: 'what was cancelled after the fence is given back after it', file: 'core/rebuild/reopen-sale.ts',
    text: "        WHEN o.status IN ('CANCELLED', 'REFUNDED') AND o.told_at IS NOT NULL THEN", without: "        WHEN o.status IN ('CANCELLED', 'REFUNDED') THEN",
    tests: { file: REBUILDING, named: 'one cancelled while' },
  },
  {
    rule: 'a lost sale is closed under a higher epoch', file: 'core/rebuild/close-sale.ts',
    text: 'Math.max(row.epoch, found.epoch) + 1', without: 'Math.max(row.epoch, found.epoch)', tests: { file: REBUILDING, named: 'a Redis that was emptied' },
  },
  {
    rule: 'a sale is closed once, however many see that it is lost', file: 'core/rebuild/close-sale.ts',
    text: 'if (isFine && !(', without: 'if (isFine && found.state === \'OPEN\' && !(', tests: { file: REBUILDING, named: 'many rebuilders' },
  },
  {
    rule: 'what was accepted becomes orders before the sale opens', file: 'cancel-worker/rebuild-lost.ts',
    text: '    if (pending > 0 || intake > 0) return false\n', without: '    if (pending >= 0) return true\n', tests: { file: REBUILDING, named: 'what was accepted' },
  },
  {
    rule: 'units are put back only after a reservation could have lived', file: 'cancel-worker/reconcile.ts',
    text: '    if (nowMs - sinceMs < this.#missingForMs) return\n', without: '', tests: { file: RECONCILING, named: 'units that are missing' },
  },
  {
    rule: 'what is on its way is not missing', file: 'cancel-worker/reconcile.ts',
    text: 'tally.left + tally.undecidedMax + after.sold', without: 'tally.left + after.sold', tests: { file: RECONCILING, named: 'a unit that is' },
  },
  {
    rule: 'a cancelled unit that is not back yet is not missing', file: 'cancel-worker/reconcile.ts',
    text: ' + before.untold + returnedMeanwhile)', without: ' + returnedMeanwhile)', tests: { file: RECONCILING, named: 'a unit that is' },
  },
  {
    rule: 'a refunded unit that is not back yet is not missing', file: 'cancel-worker/reconcile.ts',
    text: "IN ('CANCELLED', 'REFUNDED') AND told_at", without: "IN ('CANCELLED') AND told_at", tests: { file: RECONCILING, named: 'a unit that is refunded' },
  },
  {
    rule: 'a unit that was cancelled while it was counted is not missing', file: 'cancel-worker/reconcile.ts',
    text: 'before.untold + returnedMeanwhile)', without: 'before.untold)', tests: { file: RECONCILING, named: 'while it reads' },
  },
  {
    rule: 'a unit that came back while it was counted is not one too many', file: 'cancel-worker/reconcile.ts',
    text: 'tally.left + before.sold - returnedMeanwhile - stock', without: 'tally.left + before.sold - stock', tests: { file: RECONCILING, named: 'while it reads' },
  },
  {
    rule: 'of two reconcilers one puts a unit back', file: 'cancel-worker/reconcile.ts',
    text: '      await tx.$executeRaw`SELECT pg_advisory_xact_lock(${RECONCILE_LOCK})`\n', without: '', tests: { file: RECONCILING, named: 'two reconcilers' },
  },
  {
    rule: 'what Redis says of a sale is held against PostgreSQL', file: 'cancel-worker/reconcile.ts',
    text: '    await bringIntoLine(this.#deps, ledger.id)\n', without: '', tests: { file: RECONCILING, named: 'what Redis says of a sale' },
  },
  {
    rule: 'units that Redis has not heard of are not missing', file: 'cancel-worker/reconcile.ts',
    text: '    if (tally.figures.total !== stock || after.stock !== stock) return\n', without: '', tests: { file: RECONCILING, named: 'what Redis says of a sale' },
  },
  {
    rule: 'a sale that fails keeps no other from being reconciled', file: 'cancel-worker/reconcile.ts',
    text: '      for (const saleId of saleIds) this.#failures.set(saleId, error)\n      return undefined\n', without: '      throw error\n',
    tests: { file: RECONCILING, named: 'one sale that cannot' },
  },
  {
    rule: 'the blacklist of each sale is held against PostgreSQL', file: 'cancel-worker/reconcile-blacklist.ts',
    text: '    await door.setBlacklisted(saleId, toUnlist, false)\n', without: '', tests: { file: RECONCILING, named: 'what Redis says of a sale' },
  },
  {
    rule: 'changes of one sale take turns', file: 'control-room/open-sale.ts',
    text: '    await tx.$executeRaw`SELECT FROM sales WHERE id = ${saleId} FOR UPDATE`\n', without: '', tests: { file: 'control-room/control-room.test.ts', named: 'two changes of one sale' },
  },
  {
    rule: 'only a signed callback is believed', file: 'order-service/http/routes.ts',
    text: "  if (reading.outcome !== 'RECEIVED') throw new ProblemError(unreadable[reading.outcome], reading.detail)\n",
    without: "  if (reading.outcome !== 'RECEIVED') { res.json({}); return }\n", tests: { file: ROUTES, named: 'the callback is believed' },
  },
  {
    rule: 'each refund is sent by one service', file: 'order-service/payments/send-refunds.ts',
    text: ' FOR UPDATE OF r SKIP LOCKED`', without: '`', tests: { file: 'order-service/payments/send-refunds.test.ts', named: 'three services' },
  },
  {
    rule: 'a refund is sent until the provider has taken it', file: 'order-service/payments/send-refunds.ts',
    text: "      return 'FAILED'\n    }\n", without: '    }\n', tests: { file: 'order-service/payments/send-refunds.test.ts', named: 'one that the provider' },
  },
  {
    rule: 'an order is paid without money only when nothing is to be paid', file: 'core/orders/transitions.ts',
    text: ' AND amount_cents = 0 AND', without: ' AND', tests: { file: TRANSITIONS, named: 'an order of which nothing' },
  },
  {
    rule: 'an order is paid without money only when its price is made', file: 'core/orders/transitions.ts',
    text: " AND NOT EXISTS (SELECT FROM sagas WHERE order_id = o.id AND state <> 'DONE')", without: '', tests: { file: TRANSITIONS, named: 'an order of which nothing' },
  },
  {
    rule: 'no money goes back where none came', file: 'core/orders/transitions.ts',
    text: '  if (refunded.amountCents > 0) await', without: '  await', tests: { file: PLACING, named: 'placing an order of which nothing' },
  },
  {
    rule: 'an order of which nothing is to be paid does not lapse', file: 'core/orders/place-orders.ts',
    text: 'saleId) === 0)', without: 'saleId) === -1)', tests: { file: PLACING, named: 'placing an order of which nothing' },
  },
  {
    rule: 'times are the same in every time zone', file: 'core/platform/database-session.ts',
    text: "    timezone: 'UTC',\n", without: '', tests: { file: DATABASE, named: 'in a database whose time zone' },
  },
  {
    rule: 'what deciders read is what was committed before they had the lock', file: 'core/platform/database-session.ts',
    text: "    default_transaction_isolation: 'read committed',\n", without: '', tests: { file: DATABASE, named: 'what the database, its URL' },
  },
  {
    rule: 'no session is used that does not have its limits', file: 'core/platform/database-session.ts',
    text: '  if (wrong.length > 0) throw', without: '  if (wrong.length < 0) throw', tests: { file: DATABASE, named: 'through a pooler sessions without' },
  },
  {
    rule: 'no session of a pooler is changed', file: 'core/platform/database-session.ts',
    text: '    WHERE pg_backend_pid() = ${announced};', without: '    ;', tests: { file: DATABASE, named: 'through a pooler sessions without' },
  },
  {
    rule: 'no statement has a name through a pooler', file: 'core/platform/statement-names.ts',
    text: "    if (!this.areKept) return ''\n", without: '', tests: { file: DATABASE, named: 'through a pooler sessions whose' },
  },
  {
    rule: 'statements are prepared anew when a column has changed its type', file: 'core/platform/database-connections.ts',
    text: '        this.#names.renew()\n', without: '', tests: { file: DATABASE, named: 'when a column changes' },
  },
  {
    rule: 'production takes no payment by the demo\'s provider unless it is told to', file: 'core/platform/not-for-production.ts',
    text: '...demoPayments(names, given), ', without: '', tests: { file: 'core/platform/not-for-production.test.ts', named: 'pays without money' },
  },
  {
    rule: 'a connection whose statement was not answered ends, and its transaction with it', file: 'core/platform/database-connections.ts',
    text: '        endWhenUnanswered(client)\n', without: '', tests: { file: DATABASE, named: 'a transaction that fails because PostgreSQL does not answer' },
  },
]
