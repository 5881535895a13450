import { randomBytes, randomUUID } from 'node:crypto'
import type { OrderEvent, Reservation } from '../../core/contracts/messages.ts'
import { subscribe, type Subscription } from '../../core/orders/inbox.ts'
import type { OutboxMessage } from '../../core/orders/outbox.ts'
import { placeOrders } from '../../core/orders/place-orders.ts'
import { receiveMoney } from '../../core/orders/receive-money.ts'
import { parseConfig } from '../../core/platform/process/config.ts'
import { groupBy } from '../../core/platform/batches/divide.ts'
import { createLog } from '../../core/platform/process/log.ts'
import { subscriber as coupon } from '../../subscribers/coupon.ts'
import { SubscribersConfig } from '../../subscribers/runtime/config.ts'
import { handleEvents } from '../../subscribers/runtime/handle-events.ts'
import { interestOf, type Subscriber, type Tools } from '../../subscribers/runtime/subscriber.ts'
import { subscriber as points } from '../../subscribers/points.ts'
import { subscriber as risk } from '../../subscribers/risk.ts'
import { subscriber as saga } from '../../subscribers/saga.ts'
import { Ledger, rules } from './ledger.ts'
import { createWorld, type World } from './world.ts'

const PARTIES = { coupon, points, risk, saga } satisfies Record<string, Subscriber>
export type Party = keyof typeof PARTIES
const ALL = Object.keys(PARTIES) as Party[]

/** As its queues are bound. */
const receives = ({ follows, events }: Subscriber, { type, couponCode }: OrderEvent) =>
  follows === 'events' ? events.includes(type) : follows !== 'coupon-orders' || couponCode !== null

/** Splits the events that wait for a party into the batches in which it gets them. */
export type Batching = (events: OrderEvent[]) => OrderEvent[][]

/**
 * The parties of a saga on PostgreSQL and Redis. The test acts as the broker: it decides which party gets which events,
 * when and how often. Events that were early for a party are delivered again, as by its queue.
 */
export class Choreography {
  readonly world: World
  readonly ledger: Ledger
  /** Every event that left the outbox, in order. */
  readonly published: OrderEvent[] = []
  readonly #tools: Tools
  readonly #subscriptions: Map<Party, Subscription>
  readonly #waiting = new Map<Party, OrderEvent[]>(ALL.map((party) => [party, []]))

  private constructor(world: World, tools: Tools, subscriptions: Map<Party, Subscription>) {
    this.world = world
    this.ledger = new Ledger(world)
    this.#tools = tools
    this.#subscriptions = subscriptions
  }

  static async open(settings: Record<string, string> = {}): Promise<Choreography> {
    const world = await createWorld()
    const config = parseConfig(SubscribersConfig, {
      DATABASE_URL: world.databaseUrl,
      REDIS_URL: world.redisUrl,
      RABBITMQ_URL: world.rabbitmqUrl,
      REDIS_KEY_PREFIX: world.keyPrefix,
      ...settings,
    })
    const subscriptions = new Map<Party, Subscription>()
    for (const party of ALL)
      subscriptions.set(party, await subscribe(world.database, party, 1, interestOf(PARTIES[party])))
    return new Choreography(world, { config, redis: world.redis, log: createLog('test', 'silent') }, subscriptions)
  }

  /** Delivers to the parties that are up until no event waits for them. */
  async settle(up: Party[] = ALL, batching?: Batching): Promise<void> {
    for (let round = 0; (await this.#collect()) || up.some((party) => this.#waiting.get(party)?.length); round++) {
      if (round > 50) throw new Error('Expected no more events after 50 rounds of delivery')
      for (const party of up) await this.deliver(party, batching)
    }
  }

  /** Delivers what waits for the party, by default in one batch. */
  async deliver(party: Party, batching: Batching = (events) => [events]): Promise<void> {
    await this.#collect()
    const events = this.#waiting.get(party) ?? []
    this.#waiting.set(party, [])
    for (const batch of batching(events)) await this.#handle(party, batch)
  }

  /** Every party gets these events another time. */
  async repeat(events: OrderEvent[]): Promise<void> {
    for (const party of ALL)
      await this.#handle(
        party,
        events.filter((event) => receives(PARTIES[party], event)),
      )
  }

  /**
   * Delivers what waits for the party in concurrent batches, as several partitions do; by default a batch per order.
   */
  async deliverConcurrently(
    party: Party,
    batching: Batching = (events) => [...groupBy(events, ({ orderId }) => orderId).values()],
  ): Promise<void> {
    await this.#collect()
    const batches = batching(this.#waiting.get(party) ?? [])
    this.#waiting.set(party, [])
    await Promise.all(batches.map((events) => this.#handle(party, events)))
  }

  async #handle(party: Party, events: OrderEvent[]): Promise<void> {
    const subscription = this.#subscriptions.get(party)
    if (!subscription) return
    const { early } = await handleEvents(
      { subscriber: PARTIES[party], subscription, database: this.world.database, tools: this.#tools },
      events,
    )
    this.#waiting.get(party)?.push(...early)
  }

  /** Acts as the outbox relay. @returns whether the outbox had entries */
  async #collect(): Promise<boolean> {
    const entries = await this.world.database.outboxEntry.findMany({ orderBy: { id: 'asc' } })
    const events = entries
      .flatMap(({ messages }) => messages as unknown as OutboxMessage[])
      .flatMap(({ destination, message }) => (destination === 'events' ? [message] : []))
    await this.world.database.outboxEntry.deleteMany({ where: { id: { in: entries.map(({ id }) => id) } } })
    this.published.push(...events)
    for (const party of ALL)
      this.#waiting.get(party)?.push(...events.filter((event) => receives(PARTIES[party], event)))
    return events.length > 0
  }

  /** Places an order of 500 cents, by default in a new sale. */
  async place(
    wishes: Pick<Reservation, 'couponCode' | 'points'> = {},
    of: { saleId?: string; buyerId?: string } = {},
  ): Promise<Placed> {
    const saleId = of.saleId ?? (await this.ledger.sale(1))
    const buyerId = of.buyerId ?? `buyer-${randomUUID()}`
    const reservation = {
      saleId,
      buyerId,
      reservationId: `${saleId}.${randomBytes(16).toString('base64url')}`,
      quantity: 1,
      epoch: 1,
      reservedAtMs: Date.now(),
      ...wishes,
    }
    const [verdict] = await placeOrders(this.world.database, [reservation], rules)
    if (verdict?.decision.outcome !== 'ORDERED') throw new Error(`Expected ORDERED, got ${JSON.stringify(verdict)}`)
    return { orderId: verdict.decision.orderId, saleId, buyerId, reservationId: reservation.reservationId }
  }

  async pay(orderId: string): Promise<string> {
    const { amountCents } = await this.order(orderId)
    const paymentId = randomUUID()
    await this.world.database.payment.create({ data: { id: paymentId, orderId, amountCents } })
    const money = { paymentId, orderId, amountCents, providerRef: paymentId }
    const [counted] = await receiveMoney(this.world.database, [money])
    return counted?.outcome ?? ''
  }

  async coupon(discountCents: number, buyerId: string | null = null): Promise<string> {
    const code = randomUUID()
    await this.world.database.coupon.create({ data: { code, buyerId, discountCents } })
    return code
  }

  async givePoints(buyerId: string, count: number): Promise<void> {
    await this.world.database.pointsEntry.create({ data: { buyerId, step: 'GIVEN', points: count } })
  }

  order = (id: string) => this.world.database.order.findUniqueOrThrow({ where: { id } })
  saga = (orderId: string) => this.world.database.saga.findUniqueOrThrow({ where: { orderId } })
  statusOf = async (code: string) => (await this.world.database.coupon.findUniqueOrThrow({ where: { code } })).status
  pointsOf = async (buyerId: string) =>
    (await this.world.database.pointsEntry.aggregate({ where: { buyerId }, _sum: { points: true } }))._sum.points ?? 0
  couponSteps = async (orderId: string) =>
    (await this.world.database.couponEntry.findMany({ where: { orderId }, orderBy: { id: 'asc' } })).map(
      ({ step }) => step,
    )
  /** Types of the order's published events, in order, without the prefix `order.`. */
  eventsOf = (orderId: string) =>
    this.published.filter((event) => event.orderId === orderId).map(({ type }) => type.replace('order.', ''))
  sequences = (orderId: string) =>
    this.published.filter((event) => event.orderId === orderId).map(({ sequence }) => sequence)
  close = () => this.world.close()
}

export interface Placed {
  orderId: string
  saleId: string
  buyerId: string
  reservationId: string
}
