/**
 * Usage: npm run dead-letters [-- [--json] [--limit N]]            shows the oldest; 50 when left out
 *        npm run dead-letters -- --send-back <id …> | --all        sends them to the queues they come from
 *        npm run dead-letters -- --drop <id …>                     drops them for good
 *   --of <subscriber>   its dead letters instead of the shop's, sent back to it alone and in order
 *   --parked            with --of: its parked events
 *   --json              the result as JSON
 * Exits 0 when done as asked, 1 when a letter that was meant stays or is not there, 2 when it could not look.
 */
import { z } from 'zod'
import { commandLine, numberOf, refuse } from '../core/platform/process/command-line.ts'
import { parseConfig, settings } from '../core/platform/process/config.ts'
import { createLog } from '../core/platform/process/log.ts'
import { runningSystem } from './running-system.ts'
import { formatDeadLetters, formatDropped, formatSentBack } from './format-dead-letters.ts'
import { type Broker, dropDeadLetters, listDeadLetters, sendBack } from '../core/dead-letters/queue.ts'

const { values, positionals: ids } = commandLine(
  {
    of: { type: 'string' },
    parked: { type: 'boolean' },
    json: { type: 'boolean' },
    limit: { type: 'string', default: '50' },
    'send-back': { type: 'boolean' },
    drop: { type: 'boolean' },
    all: { type: 'boolean' },
  },
  [0, Infinity],
)
const limit = numberOf('--limit', values.limit, [1, 999_999])
if (!goTogether()) refuse('These options do not go together.')

try {
  const config = parseConfig(
    z.object({ RABBITMQ_URL: settings.RABBITMQ_URL }),
    process.env.RABBITMQ_URL ? process.env : { ...runningSystem(), ...process.env },
  )
  const { done, text, json } = await act({
    url: config.RABBITMQ_URL,
    log: createLog('dead-letters', 'silent'),
    of: values.of,
    isParked: values.parked,
  })
  process.stdout.write(`${values.json ? JSON.stringify(json, null, 2) : text}\n`)
  process.exitCode = done ? 0 : 1
} catch (error) {
  process.stderr.write(
    `The dead letters cannot be reached: ${error instanceof Error ? error.message : String(error)}\n`,
  )
  process.exitCode = 2
}

function goTogether(): boolean {
  const { 'send-back': isSending, drop, all, of, parked } = values
  if (parked && of === undefined) return false
  if (isSending) return !drop && ids.length > 0 !== (all === true)
  return drop ? ids.length > 0 && !all : ids.length === 0 && !all
}

async function act(broker: Broker): Promise<{ done: boolean; text: string; json: unknown }> {
  if (values['send-back']) {
    const result = await sendBack(broker, { ids: values.all ? 'all' : ids })
    return {
      done: result.kept.length === 0 && coversAll(result.sent),
      text: formatSentBack(result, values.of),
      json: result,
    }
  }
  if (values.drop) {
    const dropped = await dropDeadLetters(broker, ids)
    return { done: coversAll(dropped), text: formatDropped(dropped), json: { dropped } }
  }
  const { count, letters } = await listDeadLetters(broker, limit)
  return {
    done: true,
    text: formatDeadLetters(count, letters, values.parked ? 'parked events' : 'dead letters'),
    json: { count, letters },
  }
}

function coversAll(letters: { id: string }[]): boolean {
  return ids.every((id) => letters.some((letter) => letter.id === id))
}
