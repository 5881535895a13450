import { randomUUID } from 'node:crypto'
import type { Database } from '../../core/platform/stores/database.ts'
import type { Logger } from '../../core/platform/process/log.ts'
import type { Loops } from '../../core/platform/process/loops.ts'
import { waitForServer } from '../../core/platform/stores/wait-for-server.ts'
import type { PartitionConsumers } from './partition-consumers.ts'
import { leave, type Share, takeShare } from './share.ts'

/** How often a process reports that it is alive, and reads which others are. */
const HEARTBEAT_INTERVAL_MS = 1_000

export interface Membership {
  /** Stops the heartbeat. */
  close: () => Promise<void>
  /** Spares the other processes the wait until this one counts as gone. */
  leave: () => Promise<void>
}

/** Makes this process one of those that share a subscriber's partitions, and keeps its consumers to its share. */
export async function join(
  database: Database,
  consumers: PartitionConsumers,
  subscriber: string,
  { log, loops }: { log: Logger; loops: Loops },
): Promise<Membership> {
  const id = randomUUID()
  const readShare = () => takeShare(database, { id, subscriber })
  let rebalancing: Promise<void> | undefined
  let failure: unknown

  async function rebalance(share: Share): Promise<void> {
    failure = undefined
    await consumers.rebalance(share).catch((error: unknown) => {
      failure = error
      log.error({ err: error }, 'partition rebalance failed, retrying')
    })
  }

  await consumers.rebalance(await waitForServer({ name: 'PostgreSQL', variable: 'DATABASE_URL', log }, readShare))
  const heartbeat = loops.repeat(`membership of ${subscriber}`, HEARTBEAT_INTERVAL_MS, async () => {
    const share = await readShare()
    // Counts as a failed run of this loop, which /readyz shows when it goes on.
    const earlier = failure
    // Not awaited: a rebalance may take as long as the batch in hand, and a process that stops reporting has no share.
    rebalancing ??= rebalance(share).finally(() => {
      rebalancing = undefined
    })
    if (earlier) throw new Error('The last rebalance failed', { cause: earlier })
  })
  return {
    async close() {
      await heartbeat.close()
      await rebalancing
    },
    leave: () => leave(database, id),
  }
}
