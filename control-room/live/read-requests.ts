import { noRequests, type RequestCounts, type RequestGroup } from '../../core/contracts/control-room.ts'

const ANSWER_LIMIT_MS = 3_000

/** The gateway's own words for how an attempt ended; those that are missing here are `other`. */
const GROUPS: Record<string, RequestGroup> = {
  ACCEPTED: 'accepted',
  DUPLICATE: 'repeated',
  SOLD_OUT: 'soldOut',
  RATE_LIMITED: 'limited',
  CROWDED: 'limited',
  BUSY: 'busy',
  UNAVAILABLE: 'busy',
}
const LINE = /^seckill_purchases_total\{[^}]*outcome="(\w+)"[^}]*\} (\d+)/gm

/** Purchase attempts since the gateway was started, all of its processes together. @throws when it does not answer */
export async function countRequests(gatewayUrl: string, metricsToken: string | undefined): Promise<RequestCounts> {
  const headers: HeadersInit = metricsToken === undefined ? {} : { authorization: `Bearer ${metricsToken}` }
  const answer = await fetch(`${gatewayUrl}/metrics`, { headers, signal: AbortSignal.timeout(ANSWER_LIMIT_MS) })
  if (!answer.ok) throw new Error(`The gateway answered ${answer.status} for its figures.`)
  return requestCounts(await answer.text())
}

export function requestCounts(metrics: string): RequestCounts {
  const counts = noRequests()
  for (const [, outcome = '', count] of metrics.matchAll(LINE)) counts[GROUPS[outcome] ?? 'other'] += Number(count)
  return counts
}
