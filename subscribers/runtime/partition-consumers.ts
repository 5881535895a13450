import type { SubscriberQueues } from '../../core/contracts/subscriber-topology.ts'
import type { Topology } from '../../core/contracts/topology.ts'
import type { BatchConsumer } from '../../core/platform/rabbit/batch-consumer.ts'
import type { Share } from './share.ts'

/** The consumer of one partition, and how many messages it had been given at the previous rebalance. */
interface Partition {
  consumer: BatchConsumer
  givenBefore: number
}

export interface PartitionDeps {
  queues: SubscriberQueues
  /** Opens a consumer of that queue. */
  consume: (queue: string, topology: Topology) => Promise<BatchConsumer>
}

/**
 * The consumers of one process for the partitions of one subscriber. It consumes all of them, and the broker keeps one
 * active consumer each, so that another process takes over at once when one dies.
 */
export class PartitionConsumers {
  readonly #deps: PartitionDeps
  #partitions: Partition[] = []

  constructor(deps: PartitionDeps) {
    this.#deps = deps
  }

  isUp(): boolean {
    return this.#partitions.every(({ consumer }) => consumer.isUp())
  }

  /**
   * Steps back from partitions that belong to another process. @throws when the partitions were moved meanwhile, which
   * a process can only meet that had lost its connections
   */
  async rebalance({ place, processes, partitions, spreadOver }: Share): Promise<void> {
    const { queues } = this.#deps
    if (partitions !== queues.partitions.length || spreadOver !== null) {
      await this.close()
      throw new Error(`The events of ${queues.exchange} were moved to other partitions; restart this process`)
    }
    if (this.#partitions.length === 0) this.#partitions = await this.#open()
    await Promise.all(
      this.#partitions.map(async (partition, i) => {
        const given = partition.consumer.given()
        const isActive = given > partition.givenBefore
        partition.givenBefore = given
        if (isActive && i % processes !== place) await partition.consumer.stepBack()
      }),
    )
  }

  async close(): Promise<void> {
    const open = this.#partitions
    this.#partitions = []
    await Promise.all(open.map(({ consumer }) => consumer.close()))
  }

  async #open(): Promise<Partition[]> {
    const { queues, consume } = this.#deps
    return await Promise.all(
      queues.partitions.map(async (queue) => ({
        consumer: await consume(queue, queues.partitionTopology(queue)),
        givenBefore: 0,
      })),
    )
  }
}
