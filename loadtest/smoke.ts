import { check, sleep } from 'k6'
import exec from 'k6/execution'
import http from 'k6/http'
import { Counter } from 'k6/metrics'
import type { Options } from 'k6/options'
import { type Audit, audit, buy, createSale, reservationStatus, signIn } from './lib/system.ts'

/**
 * Ten times more buyers than units, all at once, everybody asking twice. Expected refusals are not failures; one unit
 * oversold, one order lost, or one unexpected answer makes k6 end non-zero.
 */
const STOCK = 100
const BUYERS = 1_000
const QUIET_LIMIT_SECONDS = 60

export const options: Options = {
  scenarios: { rush: { executor: 'shared-iterations', vus: 50, iterations: BUYERS, maxDuration: '2m' } },
  setupTimeout: '2m',
  teardownTimeout: '3m',
  thresholds: {
    accepted: [`count==${STOCK}`],
    oversold: ['count==0'],
    lost_orders: ['count==0'],
    unexpected: ['count==0'],
    // Counted in the tear-down only: that it ran to its end is part of the result.
    accounted: ['count==1'],
    http_req_failed: ['rate==0'],
  },
}

const accepted = new Counter('accepted')
const soldOut = new Counter('sold_out')
const duplicate = new Counter('duplicate')
const unexpected = new Counter('unexpected')
const oversold = new Counter('oversold')
const lostOrders = new Counter('lost_orders')
const accounted = new Counter('accounted')

http.setResponseCallback(http.expectedStatuses(200, 201, 202, 409))

interface Rush { saleId: string; tokens: string[] }

export function setup(): Rush {
  const run = Date.now().toString(36)
  return { saleId: createSale(STOCK), tokens: signIn(Array.from({ length: BUYERS }, (_, i) => `k6 ${run} ${i}`)) }
}

export default function rush({ saleId, tokens }: Rush): void {
  const token = tokens[exec.scenario.iterationInTest] ?? ''
  const first = buy(saleId, token)
  if (first.status === 202) {
    accepted.add(1)
    const again = buy(saleId, token)
    if (check(again, { 'a repeat gets the same reservation': (answer) => answer.json('id') === first.json('id') })) duplicate.add(1)
    else unexpected.add(1)
    becameOrder(String(first.json('id')), token)
  } else if (first.status === 409 && first.json('code') === 'SOLD_OUT') soldOut.add(1)
  else unexpected.add(1)
}

/** Everybody who was told "you got it" gets an order. */
function becameOrder(reservationId: string, token: string): void {
  let status = 'RESERVED'
  for (let tries = 0; tries < QUIET_LIMIT_SECONDS * 5 && status === 'RESERVED'; tries++) {
    status = reservationStatus(reservationId, token)
    if (status === 'RESERVED') sleep(0.2)
  }
  if (status !== 'ORDERED') lostOrders.add(1)
}

export function teardown({ saleId }: Rush): void {
  let report: Audit = audit(saleId)
  for (let seconds = 0; seconds < QUIET_LIMIT_SECONDS && !report.quiet; seconds++) {
    sleep(1)
    report = audit(saleId)
  }
  const [sale] = report.sales
  if (!sale || !report.quiet || !report.balanced) throw new Error(`Not balanced at rest: ${JSON.stringify(report)}`)
  oversold.add(Math.max(0, sale.sold - STOCK))
  lostOrders.add(Math.max(0, STOCK - sale.sold))
  accounted.add(1)
}
