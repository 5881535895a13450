import { randomUUID } from 'node:crypto'
import type { Database } from '../../core/platform/database.ts'
import type { Logger } from '../../core/platform/log.ts'
import { repeat } from '../../core/platform/repeat.ts'
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
export async function join<Item>(database: Database, lanes: Lanes<Item>, subscriber: string, log: Logger): Promise<Membership> {
  const id = randomUUID()
  const look = () => takeShare(database, { id, subscriber, spread: lanes.stage })
  let adapting: Promise<void> | undefined

  async function adapt(share: Share): Promise<void> {
    const before = lanes.stage
    await lanes.adapt(share).catch((error: unknown) => log.error({ err: error }, 'could not adapt to its share, trying again'))
    // Somebody waits for it to be said.
    if (lanes.stage !== before) looking.soon()
  }

  await lanes.adapt(await look())
  const looking = repeat(LOOK_INTERVAL_MS, async () => {
    const share = await look()
    // Not waited for: to adapt may take as long as the batch in hand, and who falls silent has no share.
    adapting ??= adapt(share).finally(() => { adapting = undefined })
  }, log)
  return {
    async close() {
      await looking.close()
      await adapting
    },
    leave: () => leave(database, id),
  }
}
