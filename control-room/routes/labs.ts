import type { RequestHandler } from 'express'
import { z } from 'zod'
import type { LabsView } from '../../core/contracts/labs.ts'
import { parse, ProblemError } from '../../core/platform/http/problem.ts'
import type { Labs } from '../labs/labs.ts'

const Body = z.strictObject({ off: z.string().optional() })

/** GET /labs: all labs, and the running one or the last one */
export function getLabs(labs: Labs | undefined): RequestHandler {
  return async (_req, res) => {
    res.json({
      available: labs !== undefined,
      labs: (await labs?.list()) ?? [],
      run: labs?.latest() ?? null,
    } satisfies LabsView)
  }
}

/** POST /labs/:name: runs it, on servers of its own */
export function postLab(labs: Labs | undefined): RequestHandler<{ name: string }> {
  return async (req, res) => {
    if (!labs) throw new ProblemError('DEMO_ONLY', 'Labs run in demo mode only, from a checkout.')
    const { off } = parse(Body, req.body)
    const lab = (await labs.list()).find(({ name }) => name === req.params.name)
    if (!lab) throw new ProblemError('NOT_FOUND', 'There is no such lab.')
    if (off !== undefined && !lab.switches.some((each) => each.off === off))
      throw new ProblemError('INVALID_REQUEST', 'This lab has no such switch.')
    if (labs.isRunning) throw new ProblemError('LAB_RUNNING', 'A lab is running already; wait for it, or stop it.')
    res.status(202).json(labs.start(lab.name, off))
  }
}

/** DELETE /labs: stops the running lab */
export function deleteLab(labs: Labs | undefined): RequestHandler {
  return async (_req, res) => {
    res.json({ run: (await labs?.stop()) ?? null })
  }
}
