import { type Buyer, isMember } from '../../core/contracts/limit-per-buyer.ts'
import type { PlaceView } from '../../core/contracts/places.ts'
import { slicesOf } from '../../core/platform/batches/divide.ts'
import type { Logger } from '../../core/platform/process/log.ts'
import { type Repeating, repeat } from '../../core/platform/process/repeat.ts'
import type { SaleFigures } from '../../core/stock/sale-figures.ts'
import { roomOf } from '../../core/waiting-room/room-rules.ts'
import type { RoomFigures, Standing, WaitingRoom } from '../../core/waiting-room/waiting-room.ts'
import type { Catalogue } from '../catalogue.ts'
import { type Client, ClientCounts } from '../client-counts.ts'
import type { Admissions } from './admissions.ts'
import { isPlaced, type Placed, placeView, type Unplaced } from './place-view.ts'

const LOOK_MS = 500
/**
 * How often a sign of life is given for a buyer who waits: more often near the front, and around the opening. One costs
 * Redis 7 µs among 1,000 people in line and 14 µs among 100,000, who take it a sixth of its time. An absence begins at
 * three times the longer one (core/contracts/opening.ts).
 */
const LIFE_MS = { soon: 2_000, later: 10_000 }
/** At most so many people, or seconds, are ahead of a buyer whose turn is near. */
const NEAR = { people: 200, seconds: 10 }
/** Redis does nothing else meanwhile: some 1.5 ms in a line of 100,000. */
const ATTEND_TOGETHER_MAX = 100
const BOUGHT_MS = 500

export interface PlaceWatcher {
  onPlace: (place: PlaceView) => void
  /** The sale is over or needs no admission any more, or this process drains. */
  onEnd: () => void
}

interface Waiting {
  isMember: boolean
  watchers: Set<PlaceWatcher>
  dueAtMs: number
}

interface WaitingDeps {
  room: WaitingRoom
  catalogue: Catalogue
  admissions: Admissions
  log: Logger
  /** Event streams of this process. */
  streamsMax: number
}

/** Buyers of this process who wait in the waiting room of a sale. Their streams are their signs of life. */
export class WaitingBuyers {
  readonly #deps: WaitingDeps
  readonly #clients: ClientCounts
  readonly #bySale = new Map<string, Map<string, Waiting>>()
  /** Buyers who have bought since the last run, by sale. */
  #bought = new Map<string, string[]>()
  readonly #loops: Repeating[]

  constructor(deps: WaitingDeps) {
    this.#deps = deps
    this.#clients = new ClientCounts(deps.streamsMax)
    this.#loops = [repeat(LOOK_MS, () => this.#look(), deps.log), repeat(BOUGHT_MS, () => this.#noteBought(), deps.log)]
  }

  get count(): number {
    return this.#clients.count
  }

  refusal(client: Client): ReturnType<ClientCounts['refusal']> {
    return this.#clients.refusal(client)
  }

  /**
   * A sign of life of one buyer, who takes a place when they have none. Undefined when the sale is not loaded.
   * @throws when Redis does not answer
   */
  async attend(sale: SaleFigures, buyer: Buyer): Promise<PlaceView | Unplaced | undefined> {
    const attending = { buyerId: buyer.id, isMember: standsAmongMembers(sale, buyer) }
    const found = await this.#deps.room.attend(sale.saleId, [attending], roomOf(sale.opening))
    const standing = found?.standings[0]
    if (!found || !standing) return undefined
    return isPlaced(standing) ? this.#view(sale.saleId, buyer.id, standing, found.room) : standing.state
  }

  /** Calls the watcher with the place as it is now, and then again and again. @returns the end of it. */
  watch(sale: SaleFigures, buyer: Buyer, address: string, watcher: PlaceWatcher): () => void {
    const { saleId } = sale
    const client = { buyerId: buyer.id, address }
    const ofSale = this.#bySale.get(saleId) ?? new Map<string, Waiting>()
    this.#bySale.set(saleId, ofSale)
    const waiting = ofSale.get(client.buyerId) ?? { isMember: false, watchers: new Set(), dueAtMs: 0 }
    waiting.isMember = standsAmongMembers(sale, buyer)
    ofSale.set(client.buyerId, waiting)
    waiting.watchers.add(watcher)
    waiting.dueAtMs = 0
    const stopCounting = this.#clients.add(client)
    this.#loops[0]?.soon()
    return () => {
      stopCounting()
      waiting.watchers.delete(watcher)
      if (waiting.watchers.size > 0) return
      if (ofSale.get(client.buyerId) === waiting) ofSale.delete(client.buyerId)
      if (ofSale.size === 0) this.#bySale.delete(saleId)
    }
  }

  /** They have bought: their admission makes room for another. */
  bought({ saleId, opening }: SaleFigures, buyerId: string): void {
    if (!roomOf(opening)) return
    const buyers = this.#bought.get(saleId) ?? []
    buyers.push(buyerId)
    this.#bought.set(saleId, buyers)
  }

  async close(): Promise<void> {
    this.#clients.close()
    for (const { watchers } of [...this.#bySale.values()].flatMap((ofSale) => [...ofSale.values()]))
      for (const { onEnd } of watchers) onEnd()
    for (const loop of this.#loops) await loop.close()
    await this.#noteBought()
  }

  async #look(): Promise<void> {
    const nowMs = performance.now()
    for (const [saleId, ofSale] of this.#bySale) {
      const due = [...ofSale].filter(([, { dueAtMs }]) => dueAtMs <= nowMs)
      if (due.length === 0) continue
      const { catalogue } = this.#deps
      const sale = catalogue.known(saleId)
      const isOver = sale && (!roomOf(sale.opening) || sale.closesAtMs <= catalogue.clockMs())
      if (isOver) for (const [, { watchers }] of due) endAll(watchers)
      else for (const some of slicesOf(due, ATTEND_TOGETHER_MAX)) await this.#attendTogether(saleId, some)
    }
  }

  /** Never throws: the next look tries again. */
  async #attendTogether(saleId: string, due: [buyerId: string, Waiting][]): Promise<void> {
    try {
      const found = await this.#deps.room.attend(
        saleId,
        due.map(([buyerId, { isMember }]) => ({ buyerId, isMember })),
        roomOf(this.#deps.catalogue.known(saleId)?.opening),
      )
      for (const [i, [buyerId, waiting]] of due.entries()) {
        const standing = found?.standings[i]
        if (!found || !standing) continue
        waiting.dueAtMs =
          performance.now() + (this.#isSoon(saleId, standing, found.room) ? LIFE_MS.soon : LIFE_MS.later)
        if (!isPlaced(standing)) {
          endAll(waiting.watchers)
          continue
        }
        const view = this.#view(saleId, buyerId, standing, found.room)
        for (const { onPlace } of waiting.watchers) onPlace(view)
      }
    } catch (error) {
      this.#deps.log.debug({ err: (error as Error).message, saleId }, 'waiting buyers not looked up')
    }
  }

  #isSoon(saleId: string, standing: Standing, { perSecond = 0 }: RoomFigures): boolean {
    if (standing.state === 'WAITING') return standing.ahead <= Math.max(NEAR.people, NEAR.seconds * perSecond)
    const { catalogue } = this.#deps
    const opensAtMs = catalogue.known(saleId)?.opensAtMs ?? 0
    return opensAtMs - catalogue.clockMs() < NEAR.seconds * 1_000
  }

  #view(saleId: string, buyerId: string, standing: Placed, room: RoomFigures): PlaceView {
    const { admissions, catalogue } = this.#deps
    const rules = roomOf(catalogue.known(saleId)?.opening)
    return placeView({ saleId, buyerId }, standing, { ...room, rules }, admissions, catalogue.clockMs())
  }

  /** What is lost with this process lapses with the admissions; until then fewer are admitted. */
  async #noteBought(): Promise<void> {
    const bought = this.#bought
    this.#bought = new Map()
    for (const [saleId, buyers] of bought) {
      try {
        await this.#deps.room.bought(saleId, buyers)
      } catch (error) {
        this.#deps.log.debug({ err: (error as Error).message, saleId }, 'purchases of admitted buyers not noted')
      }
    }
  }
}

const standsAmongMembers = ({ opening }: SaleFigures, buyer: Buyer) =>
  roomOf(opening)?.membersShare !== undefined && isMember(buyer)

function endAll(watchers: Set<PlaceWatcher>): void {
  for (const { onEnd } of watchers) onEnd()
}
