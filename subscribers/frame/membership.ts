import { randomUUID } from 'node:crypto'
import type { Database } from '../../core/platform/stores/database.ts'
import type { Logger } from '../../core/platform/process/log.ts'
import type { Loops } from '../../core/platform/process/loops.ts'
import { waitForServer } from '../../core/platform/stores/wait-for-server.ts'
import type { Lanes } from './lanes.ts'
import { leave, type Share, takeShare } from './share.ts'

/** How often a process says that it is here, and looks who else is and whether a backlog is being spread. */
const LOOK_INTERVAL_MS = 1_000

export interface Membership {
  /** Looks no more. */
  close: () => Promise<void>
  /** The others need not wait until it is missed. */
  leave: () => Promise<void>
}

/** Makes this process one of those that share a subscriber's partitions, and keeps its lanes to its share. */
export async function join<Item>(
  database: Database,
  lanes: Lanes<Item>,
  subscriber: string,
  { log, loops }: { log: Logger; loops: Loops },
): Promise<Membership> {
  const id = randomUUID()
  const look = () => takeShare(database, { id, subscriber, spread: lanes.stage })
  let adapting: Promise<void> | undefined
  let failure: unknown

  async function adapt(share: Share): Promise<void> {
    const before = lanes.stage
    failure = undefined
    await lanes.adapt(share).catch((error: unknown) => {
      failure = error
      log.error({ err: error }, 'partition rebalance failed, retrying')
    })
    // Somebody waits for it to be said.
    if (lanes.stage !== before) looking.soon()
  }

  await lanes.adapt(await waitForServer({ name: 'PostgreSQL', variable: 'DATABASE_URL', log }, look))
  const looking = loops.repeat(`membership of ${subscriber}`, LOOK_INTERVAL_MS, async () => {
    const share = await look()
    // Counts as a failed run of this loop, which /readyz shows when it goes on.
    const earlier = failure
    // Not waited for: to adapt may take as long as the batch in hand, and who falls silent has no share.
    adapting ??= adapt(share).finally(() => {
      adapting = undefined
    })
    if (earlier) throw new Error('The last rebalance failed', { cause: earlier })
  })
  return {
    async close() {
      await looking.close()
      await adapting
    },
    leave: () => leave(database, id),
  }
}
