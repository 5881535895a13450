import { afterAll, vi } from 'vitest'
import { endLeftBehind } from './left-behind.ts'
import { stretched } from './patience.ts'

/**
 * For what waits without a limit of its own; `eventually`, calls and processes have theirs, which are much shorter and
 * say what was waited for. So no test needs a limit that is chosen for it.
 */
const LAST_RESORT_MS = 300_000

vi.setConfig({ testTimeout: stretched(LAST_RESORT_MS), hookTimeout: stretched(LAST_RESORT_MS) })

afterAll(endLeftBehind)
