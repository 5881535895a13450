import type { Fault } from './entry.ts'
import { holdBackEvents } from './hold-back-events.ts'
import { INTAKE } from '../../core/contracts/topology.ts'
import { eventually } from '../../test/support/eventually.ts'
import { consumersOf, takeAll } from '../../test/support/queues.ts'
import type { Rush } from './rush.ts'
import type { Stage } from './stage.ts'

/** Buyers of a sale. */
export const CROWD = 4

/** Each fault, and what the buyers do meanwhile. */
export const PLAYS: Record<Fault, (stage: Stage, rush: Rush) => Promise<unknown>> = {
  none: (_, rush) => rush.buy(CROWD),

  'above-stock': (_, rush) => rush.buy(3 * CROWD),

  async 'paid-twice'(_, rush) {
    await rush.buy(CROWD)
    await rush.pay(2)
  },

  async 'paid-and-cancelled'(_, rush) {
    await rush.buy(CROWD)
    await rush.pay(1)
    await rush.cancel()
  },

  async 'broker-gone'({ gatewayToBroker }, rush) {
    gatewayToBroker.cut()
    await rush.buy(CROWD)
    gatewayToBroker.restore()
  },

  async 'queue-unbound'({ world }, rush) {
    const binding = `bindings/%VHOST%/e/${INTAKE}/q/${INTAKE}`
    await world.broker('DELETE', `${binding}/${INTAKE}`)
    await rush.buy(CROWD)
    await world.broker('POST', binding, { routing_key: INTAKE })
  },

  async 'database-gone'({ world, ordersToDatabase }, rush) {
    ordersToDatabase.cut()
    await rush.buy(CROWD)
    await eventually(
      'the order service to have failed with a message, and to consume no more',
      () => consumersOf(world, INTAKE),
      (consumers) => consumers === 0,
    )
    ordersToDatabase.restore()
  },

  async 'event-lost'({ ordersToBroker }, rush) {
    await rush.buy(CROWD)
    await rush.ordered()
    ordersToBroker.loseRequests('order.paid')
    await rush.pay(1)
    await eventually(
      'an event to be lost',
      () => ordersToBroker.lost(),
      (lost) => lost > 0,
    )
    ordersToBroker.restore()
  },

  /** Paying in a second sale within a minute is what risk control vetoes: the order is paid, vetoed, refunded. */
  async 'event-late'({ world, calmSale }, rush) {
    await rush.buy(1)
    await rush.payIn(calmSale)
    const heldBack = await holdBackEvents(world, 'points', 'order.paid')
    await rush.pay(1)
    await heldBack.passOnOthers()
    await eventually(
      'a later event that waits for this one, or was handled before it',
      async () => (await heldBack.isWaitedFor()) || (await rush.isRefundHandled('points')),
      Boolean,
    )
    await heldBack.release()
    await eventually('the effects of the refund', () => rush.isRefundHandled('points'), Boolean)
  },

  /** An order service hangs with messages in hand, and comes back when Redis has been emptied and rebuilt. */
  async 'redis-emptied'({ world, system, startOrderService }, rush) {
    await system.stop('order-service')
    await rush.buy(CROWD)
    const inHand = await takeAll(world, INTAKE)
    await world.redis.unlink(await world.redis.keys(`${world.keyPrefix}*`))
    await eventually('the sale to be rebuilt', () => rush.isOpen(), Boolean)
    // It would take away what Redis has too much.
    await system.stop('cancel-worker')
    await inHand.giveBack()
    await startOrderService()
  },
}
