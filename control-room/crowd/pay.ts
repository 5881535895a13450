import { setTimeout as sleep } from 'node:timers/promises'
import { call } from './http.ts'
import type { CrowdPlan } from './plan.ts'

/** Concurrent payments. More would take CPU from the purchases, which the crowd is to show. */
const AT_ONCE = 4
const LOOK_EVERY_MS = 250
/** For the order of one buyer, behind everybody else's. */
const ORDER_LIMIT_MS = 120_000

export interface Payer {
  reservationId: string
  token: string
}

/**
 * Pays for one after another, as people do: looks for the order, asks for the link, pays there. Ends when `isComplete`
 * and all have had their turn.
 */
export async function payAll(
  plan: CrowdPlan,
  payers: Payer[],
  isComplete: () => boolean,
  onPaid: () => void,
): Promise<void> {
  const takeTurns = async () => {
    while (!isComplete() || payers.length > 0) {
      const payer = payers.shift()
      if (!payer) await sleep(LOOK_EVERY_MS)
      // Who is not answered does not pay; their order lapses, like that of anybody who forgets.
      else if (await pay(plan, payer).catch(() => false)) onPaid()
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, takeTurns))
}

async function pay({ gatewayUrl, paymentUrl }: CrowdPlan, { reservationId, token }: Payer): Promise<boolean> {
  const orderId = await orderOf(gatewayUrl, reservationId, token)
  if (orderId === undefined) return false
  const { body } = await call('POST', `${gatewayUrl}/orders/${orderId}/payments`, token)
  if (typeof body.url !== 'string') return false
  const {
    body: { outcome },
  } = await call('POST', reachable(body.url, paymentUrl))
  return outcome === 'PAID'
}

/** The link as this process reaches it: in a container, localhost is the container itself. */
function reachable(link: string, paymentUrl: string | undefined): string {
  if (paymentUrl === undefined) return link
  const { pathname, search } = new URL(link)
  return new URL(pathname + search, paymentUrl).href
}

/** Undefined when the reservation became none. */
async function orderOf(gatewayUrl: string, reservationId: string, token: string): Promise<string | undefined> {
  for (const until = Date.now() + ORDER_LIMIT_MS; Date.now() < until; await sleep(LOOK_EVERY_MS)) {
    const {
      body: { status, orderId },
    } = await call('GET', `${gatewayUrl}/reservations/${reservationId}`, token)
    if (status === 'ORDERED' && typeof orderId === 'string') return orderId
    if (status !== 'RESERVED') return undefined
  }
  return undefined
}
