import type { RequestHandler } from 'express'
import { z } from 'zod'
import type { StoriesView } from '../../core/contracts/control-room.ts'
import { parse, ProblemError } from '../../core/platform/http/problem.ts'
import { storable } from '../../core/contracts/text.ts'
import { readStories } from '../../core/story/read-stories.ts'

const Id = z.object({ id: storable(255) })

/** GET /stories/:id, of a reservation, an order or a buyer: what happened, the newest first */
export function getStories(deps: Parameters<typeof readStories>[0], currency: string): RequestHandler {
  return async (req, res) => {
    const { id } = parse(Id, req.params)
    const stories = await readStories(deps, id, currency)
    if (stories.length === 0)
      throw new ProblemError('NOT_FOUND', `There is no reservation, order or buyer "${id}" on record.`)
    res.json({ stories } satisfies StoriesView)
  }
}
