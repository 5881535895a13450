import type { RequestHandler } from 'express'
import type { Epochs } from '../../core/contracts/sales.ts'
import type { Database } from '../../core/platform/stores/database.ts'
import { nearEpochs } from '../../core/rebuild/sales-in-turn.ts'

/** Gateways ask once a second for each of their processes, and share an answer that is no older. */
const KNOWN_FOR_MS = 500

/** The epochs of the sales that are near, as PostgreSQL has them. No secret, and the gateway does not forward it. */
export function getEpochs(database: Database): RequestHandler {
  let readAtMs = -Infinity
  let reading: Promise<Record<string, number>>
  return async (_req, res) => {
    if (performance.now() - readAtMs > KNOWN_FOR_MS) {
      readAtMs = performance.now()
      reading = nearEpochs(database)
    }
    res.json({ epochs: await reading } satisfies Epochs)
  }
}
