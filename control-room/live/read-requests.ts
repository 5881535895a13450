import { z } from 'zod'
import { noRequests, type RequestCounts, type RequestGroup } from '../../core/contracts/control-room.ts'

const ANSWER_LIMIT_MS = 3_000

/** The gateway's outcomes of a purchase attempt, by the group that the page shows; all others are `other`. */
const GROUPS: Record<string, RequestGroup> = {
  ACCEPTED: 'accepted',
  DUPLICATE: 'repeated',
  SOLD_OUT: 'soldOut',
  RATE_LIMITED: 'limited',
  CROWDED: 'limited',
  ADMISSION_REQUIRED: 'limited',
  ADMISSION_INVALID: 'limited',
  ADMISSION_OF_ANOTHER: 'limited',
  ADMISSION_EXPIRED: 'limited',
  ADMISSION_USED: 'limited',
  BUSY: 'busy',
  UNAVAILABLE: 'busy',
  TICKET_REQUIRED: 'opening',
  TICKET_INVALID: 'opening',
  TICKET_OF_ANOTHER: 'opening',
  TICKET_EXPIRED: 'opening',
  TICKET_USED: 'opening',
  LAPSED: 'opening',
}

const Metrics = z.array(z.object({ name: z.string(), values: z.unknown() }))
const Purchases = z.array(z.object({ labels: z.object({ outcome: z.string() }), value: z.number() }))

/**
 * Purchase attempts since the start of the gateway, summed over its processes.
 * @throws when the gateway does not answer, or refuses
 */
export async function countRequests(gatewayUrl: string, metricsToken: string | undefined): Promise<RequestCounts> {
  const answer = await fetch(`${gatewayUrl}/metrics`, {
    headers: {
      accept: 'application/json',
      ...(metricsToken === undefined ? {} : { authorization: `Bearer ${metricsToken}` }),
    },
    signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
  })
  if (!answer.ok) throw new Error(`GET /metrics of the gateway answered ${answer.status}`)
  return requestCounts(await answer.json())
}

export function requestCounts(metrics: unknown): RequestCounts {
  const purchases = Metrics.parse(metrics).find(({ name }) => name === 'seckill_purchases_total')
  const counts = noRequests()
  for (const { labels, value } of Purchases.parse(purchases?.values ?? []))
    counts[GROUPS[labels.outcome] ?? 'other'] += value
  return counts
}
