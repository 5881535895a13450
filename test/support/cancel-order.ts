import { call } from './http-client.ts'
import type { System } from './system.ts'

/** Has a buyer cancel the order of their reservation. Resolves when its units are back. */
export async function cancelOrder(system: System, reservationId: string, token: string): Promise<void> {
  const { orderId } = await system.settled(reservationId, token, ['ORDERED'])
  await call('POST', system.url(`/orders/${String(orderId)}/cancellation`), { token, body: {} })
  await system.settled(reservationId, token, ['CANCELLED'])
}
