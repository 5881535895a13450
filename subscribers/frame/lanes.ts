import type { SpreadQueues, SubscriberQueues } from '../../core/contracts/subscriber-topology.ts'
import type { Topology } from '../../core/contracts/topology.ts'
import type { SpreadStage } from '../../core/platform/stores/database.ts'
import type { BatchConsumer } from '../../core/platform/rabbit/batch-consumer.ts'
import type { Share } from './share.ts'

/** A queue that this process stands in line for, and what it was given of it when it last looked. */
interface Lane {
  consumer: BatchConsumer
  givenBefore: number
}

/** Opens a consumer of that queue. */
export type Consume<Item> = (
  queue: string,
  topology: Topology,
  handle: (items: Item[]) => Promise<void>,
) => Promise<BatchConsumer>

export interface LaneDeps<Item> {
  queues: SubscriberQueues
  consume: Consume<Item>
  handle: (items: Item[]) => Promise<void>
  /** Takes the items to the queues that a backlog is spread over. */
  moveOn: (to: SpreadQueues, items: Item[]) => Promise<void>
}

/**
 * What a process consumes for one subscriber: its partitions and, while a backlog is spread, those further queues. It
 * stands in line for all of them, so that it takes over at once from a process that dies.
 */
export class Lanes<Item> {
  readonly #deps: LaneDeps<Item>
  /** What is done with what comes. */
  #stage: SpreadStage = 'NONE'
  #adaptedTo: SpreadStage = 'NONE'
  #spread: SpreadQueues | undefined
  #partitions: Lane[] = []
  #spreadLanes: Lane[] = []
  readonly #moving = new Set<Promise<void>>()

  constructor(deps: LaneDeps<Item>) {
    this.#deps = deps
  }

  /** The stage that it has adapted itself to: nothing is in hand that an earlier stage has begun. */
  get stage(): SpreadStage {
    return this.#adaptedTo
  }

  isUp(): boolean {
    return [...this.#partitions, ...this.#spreadLanes].every(({ consumer }) => consumer.isUp())
  }

  /**
   * Does as everybody's share says. The partitions come last, since while a backlog is spread their events are moved.
   */
  async adapt({ spread, spreadOver, ...share }: Share): Promise<void> {
    this.#spread = spread === 'NONE' ? undefined : this.#deps.queues.spreadOver(spreadOver ?? 0)
    if (this.#spread)
      this.#spreadLanes = await this.#open(
        this.#spreadLanes,
        this.#spread.queues,
        this.#spread.queueTopology,
        this.#deps.handle,
      )
    else this.#spreadLanes = await closeAll(this.#spreadLanes)
    this.#stage = spread
    if (spread !== 'SPREADING') await Promise.allSettled(this.#moving)
    this.#adaptedTo = spread
    const { partitions, partitionTopology } = this.#deps.queues
    this.#partitions = await this.#open(this.#partitions, partitions, partitionTopology, (items) =>
      this.#handleOrMove(items),
    )
    for (const lanes of [this.#partitions, this.#spreadLanes]) await giveWay(lanes, share)
  }

  async close(): Promise<void> {
    await Promise.all([closeAll(this.#partitions), closeAll(this.#spreadLanes)])
  }

  async #open(
    open: Lane[],
    queues: string[],
    topologyOf: (queue: string) => Topology,
    handle: LaneDeps<Item>['handle'],
  ): Promise<Lane[]> {
    if (open.length > 0) return open
    return await Promise.all(
      queues.map(async (queue) => ({
        consumer: await this.#deps.consume(queue, topologyOf(queue), handle),
        givenBefore: 0,
      })),
    )
  }

  async #handleOrMove(items: Item[]): Promise<void> {
    if (this.#stage !== 'SPREADING' || !this.#spread) return await this.#deps.handle(items)
    const moving = this.#deps.moveOn(this.#spread, items)
    this.#moving.add(moving)
    await moving.finally(() => this.#moving.delete(moving))
  }
}

/**
 * Who is given messages of a queue that is another's goes to the end of the line; after that its owner is before it.
 */
async function giveWay(lanes: Lane[], { place, processes }: Pick<Share, 'place' | 'processes'>): Promise<void> {
  await Promise.all(
    lanes.map(async (lane, i) => {
      const given = lane.consumer.given()
      const isActive = given > lane.givenBefore
      lane.givenBefore = given
      if (isActive && i % processes !== place) await lane.consumer.stepBack()
    }),
  )
}

async function closeAll(lanes: Lane[]): Promise<Lane[]> {
  await Promise.all(lanes.map(({ consumer }) => consumer.close()))
  return []
}
