import type { RequestHandler } from 'express'
import { z } from 'zod'
import { parse, ProblemError } from '../../core/platform/http/problem.ts'
import type { ProcessAction } from '../../core/contracts/control-room.ts'
import type { Launcher } from '../launcher.ts'

const ProcessName = z
  .string()
  .regex(/^[a-z][a-z\d-]{0,31}$/, 'expected the name of a process, as GET /processes shows it')
const NoFields = z.strictObject({})

/** GET /processes: what the demo runs */
export function getProcesses(launcher: Launcher | undefined): RequestHandler {
  return async (_req, res) => {
    res.json({ processes: await launcherOf(launcher).processes() })
  }
}

/**
 * POST /processes/:name/kill, with SIGKILL, and …/restart, in order, after which the launcher starts it again; …/pause
 * and …/resume.
 */
export function postProcess(launcher: Launcher | undefined, action: ProcessAction): RequestHandler<{ name: string }> {
  return async (req, res) => {
    const name = parse(ProcessName, req.params.name)
    parse(NoFields, req.body)
    await launcherOf(launcher).act(name, action)
    res.status(202).json({ name, asked: action })
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
