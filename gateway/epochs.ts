import { Epochs } from '../core/contracts/sales.ts'
import type { Logger } from '../core/platform/process/log.ts'
import type { Catalogue } from './catalogue.ts'

const ANSWER_LIMIT_MS = 1_000

/**
 * Asks the order service for the epochs of sales, and has the catalogue know them: from then on a Redis that has not
 * heard of them refuses. Empty when it does not answer, since buyers can reserve without it.
 */
export function readEpochs(url: string, catalogue: Catalogue, log: Logger): () => Promise<Record<string, number>> {
  return async () => {
    try {
      const answer = await fetch(`${url}/epochs`, { signal: AbortSignal.timeout(ANSWER_LIMIT_MS) })
      const { epochs } = Epochs.parse(await answer.json())
      for (const [saleId, epoch] of Object.entries(epochs)) catalogue.raiseEpoch(saleId, epoch)
      return epochs
    } catch (error) {
      log.debug({ err: (error as Error).message }, 'the order service gave no epochs')
      return {}
    }
  }
}
