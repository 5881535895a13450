import { afterAll, vi } from 'vitest'
import { endLeftBehind } from './left-behind.ts'
import { stretched } from './patience.ts'

/**
 * For waits without a limit of their own. `eventually`, calls and processes have much shorter limits, whose errors say
 * what was awaited, so that no test sets a limit itself.
 */
const LAST_RESORT_MS = 300_000

vi.setConfig({ testTimeout: stretched(LAST_RESORT_MS), hookTimeout: stretched(LAST_RESORT_MS) })

afterAll(endLeftBehind)
