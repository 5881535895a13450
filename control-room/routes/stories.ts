import type { RequestHandler } from 'express'
import { z } from 'zod'
import type { StoriesView } from '../../core/contracts/control-room.ts'
import type { Logger } from '../../core/platform/process/log.ts'
import { parse, ProblemError } from '../../core/platform/http/problem.ts'
import { storable } from '../../core/contracts/text.ts'
import { addSpans } from '../../core/story/read-spans.ts'
import { readStories } from '../../core/story/read-stories.ts'
import type { ControlRoomConfig } from '../config.ts'

const Id = z.object({ id: storable(255) })

/** GET /stories/:id, of a reservation, an order or a buyer: what happened, the newest first */
export function getStories(
  deps: Parameters<typeof readStories>[0] & { log: Logger },
  { CURRENCY: currency, TRACE_STORE_URL: traceStore }: ControlRoomConfig,
): RequestHandler {
  const withoutSpans = (stories: StoriesView['stories']) => (error: unknown) => {
    deps.log.warn({ err: error }, 'the trace store did not answer; stories are told without spans')
    return stories
  }
  return async (req, res) => {
    const { id } = parse(Id, req.params)
    const stories = await readStories(deps, id, currency)
    if (stories.length === 0)
      throw new ProblemError('NOT_FOUND', `There is no reservation, order or buyer "${id}" on record.`)
    const traced = traceStore === undefined ? stories : await addSpans(stories, traceStore).catch(withoutSpans(stories))
    res.json({ stories: traced } satisfies StoriesView)
  }
}
