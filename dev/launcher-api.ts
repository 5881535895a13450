import { randomBytes } from 'node:crypto'
import type { Express } from 'express'
import { PROCESS_ACTIONS, type ProcessView } from '../core/contracts/control-room.ts'
import { bearerOnly } from '../core/platform/http/bearer-only.ts'
import { startHttp } from '../core/platform/http/http-service.ts'
import { createLog } from '../core/platform/process/log.ts'
import { createMetrics } from '../core/platform/process/metrics.ts'
import { ProblemError } from '../core/platform/http/problem.ts'
import { SERVICES_OF_CLUSTER } from './services.ts'
import type { Supervisor } from './supervise.ts'

/** It shows the processes, so it cannot be killed from its own page. */
const PROTECTED = 'control-room'

export interface LauncherApi {
  /** For the control room alone: the token's holder can kill processes. */
  env: { LAUNCHER_URL: string; LAUNCHER_TOKEN: string }
  close: () => Promise<void>
}

/**
 * An HTTP API on loopback by which the control room shows and ends, pauses and resumes the processes of `npm start`.
 */
export async function openLauncherApi(supervisors: readonly Supervisor[]): Promise<LauncherApi> {
  const token = randomBytes(32).toString('base64url')
  const { port, close } = await startHttp({
    host: '127.0.0.1',
    port: 0,
    log: createLog('launcher', 'silent'),
    metrics: createMetrics('launcher'),
    checks: {},
    routes: (app) => {
      app.use(bearerOnly(token, 'launcher'))
      processRoutes(app, supervisors)
    },
  })
  return { env: { LAUNCHER_URL: `http://127.0.0.1:${port}`, LAUNCHER_TOKEN: token }, close }
}

function processRoutes(app: Express, supervisors: readonly Supervisor[]): void {
  app.get('/processes', (_req, res) => {
    res.json({ processes: supervisors.map(viewOf) })
  })
  for (const how of PROCESS_ACTIONS) {
    app.post(`/processes/:name/${how}`, (req, res) => {
      if (!find(supervisors, req.params.name)[how]())
        throw new ProblemError('NOT_RUNNING', 'The process is not running just now, or stands as it is asked to.')
      res.status(202).json({})
    })
  }
}

const nameOf = (supervisor: Supervisor) => supervisor.name.toLowerCase()

function viewOf(supervisor: Supervisor): ProcessView {
  const name = nameOf(supervisor)
  return {
    name,
    kind: SERVICES_OF_CLUSTER.some((service) => service.name === name) ? 'service' : 'server',
    protected: name === PROTECTED,
    ...supervisor.state,
  }
}

function find(supervisors: readonly Supervisor[], name: string): Supervisor {
  const found = supervisors.find((supervisor) => nameOf(supervisor) === name)
  if (!found) throw new ProblemError('NOT_FOUND', 'No process of that name was started here.')
  if (name === PROTECTED) throw new ProblemError('FORBIDDEN', 'The control room cannot be ended from itself.')
  return found
}
