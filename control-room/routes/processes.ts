import type { RequestHandler } from 'express'
import { z } from 'zod'
import { parse, ProblemError } from '../../core/platform/http/problem.ts'
import type { Launcher } from '../launcher.ts'

const ProcessName = z
  .string()
  .regex(/^[a-z][a-z-]{0,31}$/, 'expected the name of a process, as GET /processes shows it')
const NoFields = z.strictObject({})

/** GET /processes: what the demo runs */
export function getProcesses(launcher: Launcher | undefined): RequestHandler {
  return async (_req, res) => {
    res.json({ processes: await launcherOf(launcher).processes() })
  }
}

/**
 * POST /processes/:name/kill, with SIGKILL, and POST /processes/:name/restart, in order. The launcher starts it again.
 */
export function postProcess(launcher: Launcher | undefined, how: 'kill' | 'restart'): RequestHandler<{ name: string }> {
  return async (req, res) => {
    const name = parse(ProcessName, req.params.name)
    parse(NoFields, req.body)
    await launcherOf(launcher).end(name, how)
    res.status(202).json({ name, asked: how })
  }
}

function launcherOf(launcher: Launcher | undefined): Launcher {
  if (!launcher)
    throw new ProblemError(
      'DEMO_ONLY',
      'Only npm start lets the control room end processes; with Docker use docker compose kill and docker compose start.',
    )
  return launcher
}
