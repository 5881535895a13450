import { randomBytes, randomUUID } from 'node:crypto'
import type { OrderEvent, Reservation } from '../../core/contracts/messages.ts'
import { subscribe, type Subscription } from '../../core/orders/inbox.ts'
import type { OutboxMessage } from '../../core/orders/outbox.ts'
import { placeOrders } from '../../core/orders/place-orders.ts'
import { receiveMoney } from '../../core/orders/transitions.ts'
import { parseConfig } from '../../core/platform/process/config.ts'
import { groupBy } from '../../core/platform/batches/group-by.ts'
import { createLog } from '../../core/platform/process/log.ts'
import { subscriber as coupon } from '../../subscribers/coupon.ts'
import { SubscribersConfig } from '../../subscribers/frame/config.ts'
import { handleEvents } from '../../subscribers/frame/handle-events.ts'
import type { Tools } from '../../subscribers/frame/subscriber.ts'
import { subscriber as points } from '../../subscribers/points.ts'
import { subscriber as risk } from '../../subscribers/risk.ts'
import { subscriber as saga } from '../../subscribers/saga.ts'
import { Ledger, rules } from './ledger.ts'
import { createWorld, type World } from './world.ts'

const PARTIES = { coupon, points, risk, saga }
export type Party = keyof typeof PARTIES
const ALL = Object.keys(PARTIES) as Party[]

/** The batches in which a party hears of what waits: one, as it was published, unless told otherwise. */
export type Delivery = (events: OrderEvent[]) => OrderEvent[][]

/**
 * The parties of a saga on PostgreSQL and Redis, with the test in the broker's place: it decides who hears what, when
 * and how often. What came too early for a party is brought again, as its queue would.
 */
export class Choreography {
  readonly world: World
  readonly ledger: Ledger
  /** Every event there was, as it left the outbox. */
  readonly published: OrderEvent[] = []
  readonly #tools: Tools
  readonly #subscriptions: Map<Party, Subscription>
  readonly #unheard = new Map<Party, OrderEvent[]>(ALL.map((party) => [party, []]))

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
    for (const party of ALL) subscriptions.set(party, await subscribe(world.database, party, 1))
    return new Choreography(world, { config, redis: world.redis, log: createLog('test', 'silent') }, subscriptions)
  }

  /** Until nobody who is up has anything left to hear. */
  async settle(up: Party[] = ALL, deliver?: Delivery): Promise<void> {
    for (let round = 0; (await this.#collect()) || up.some((party) => this.#unheard.get(party)?.length); round++) {
      if (round > 50) throw new Error('Expected it to come to rest; it goes on and on')
      for (const party of up) await this.hear(party, deliver)
    }
  }

  /** That party hears of everything that waits for it. */
  async hear(party: Party, deliver: Delivery = (events) => [events]): Promise<void> {
    await this.#collect()
    const events = this.#unheard.get(party) ?? []
    this.#unheard.set(party, [])
    for (const batch of deliver(events)) await this.#handle(party, batch)
  }

  /** Every party gets these events another time. */
  async repeat(events: OrderEvent[]): Promise<void> {
    for (const party of ALL) await this.#handle(party, events)
  }

  /**
   * The same with every batch, which is an order's events unless told otherwise, at the same time, as several
   * partitions do.
   */
  async hearAtOnce(
    party: Party,
    deliver: Delivery = (events) => [...groupBy(events, ({ orderId }) => orderId).values()],
  ): Promise<void> {
    await this.#collect()
    const batches = deliver(this.#unheard.get(party) ?? [])
    this.#unheard.set(party, [])
    await Promise.all(batches.map((events) => this.#handle(party, events)))
  }

  async #handle(party: Party, events: OrderEvent[]): Promise<void> {
    const subscription = this.#subscriptions.get(party)
    if (!subscription) return
    const { early } = await handleEvents(
      { subscriber: PARTIES[party], subscription, database: this.world.database, tools: this.#tools },
      events,
    )
    this.#unheard.get(party)?.push(...early)
  }

  /** Takes over the relay's part. @returns whether there was anything. */
  async #collect(): Promise<boolean> {
    const entries = await this.world.database.outboxEntry.findMany({ orderBy: { id: 'asc' } })
    const events = entries
      .flatMap(({ messages }) => messages as unknown as OutboxMessage[])
      .flatMap(({ destination, message }) => (destination === 'events' ? [message] : []))
    await this.world.database.outboxEntry.deleteMany({ where: { id: { in: entries.map(({ id }) => id) } } })
    this.published.push(...events)
    for (const party of ALL) this.#unheard.get(party)?.push(...events)
    return events.length > 0
  }

  /** An order at 500 cents, of a sale of its own unless told otherwise. @returns the order's id and whose it is */
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
    return (await receiveMoney(this.world.database, { paymentId, orderId, amountCents, providerRef: paymentId }))
      .outcome
  }

  async coupon(discountCents: number, buyerId: string | null = null): Promise<string> {
    const code = randomUUID()
    await this.world.database.coupon.create({ data: { code, buyerId, discountCents } })
    return code
  }

  async givePoints(buyerId: string, given: number): Promise<void> {
    await this.world.database.pointsEntry.create({ data: { buyerId, step: 'GIVEN', points: given } })
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
  /** The order's events, in the order in which they left; `order.` is left out. */
  told = (orderId: string) =>
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
