import { parseArgs } from 'node:util'
import { z } from 'zod'
import { parseConfig, settings } from '../platform/config.ts'
import { createLog } from '../platform/log.ts'
import { runningSystem } from '../platform/running-system.ts'
import { formatDeadLetters, formatDropped, formatSentBack } from './format.ts'
import { type Broker, dropDeadLetters, listDeadLetters, sendBack } from './queue.ts'

const USAGE = `Expected: npm run dead-letters -- [--json] [--limit N]           shows the oldest
          npm run dead-letters -- --send-back <id …> | --all    to the queues they come from
          npm run dead-letters -- --drop <id …>                 for good
          --of <subscriber>: its own ones instead of the shop's`
const LIMIT = '50'

/** npm run dead-letters: exits 0 when done as asked, 1 when a letter that was meant stays or is not there, 2 when it could not look. */
const { values, positionals: ids } = readArguments()
try {
  const config = parseConfig(z.object({ RABBITMQ_URL: settings.RABBITMQ_URL }), process.env.RABBITMQ_URL ? process.env : { ...runningSystem(), ...process.env })
  const { done, text, json } = await act({ url: config.RABBITMQ_URL, log: createLog('dead-letters', 'silent'), of: values.of })
  process.stdout.write(`${values.json ? JSON.stringify(json, null, 2) : text}\n`)
  process.exitCode = done ? 0 : 1
} catch (error) {
  process.stderr.write(`The dead letters cannot be reached: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 2
}

function readArguments() {
  try {
    const given = parseArgs({
      options: { of: { type: 'string' }, json: { type: 'boolean' }, limit: { type: 'string' }, 'send-back': { type: 'boolean' }, drop: { type: 'boolean' }, all: { type: 'boolean' } },
      allowPositionals: true,
    })
    const { values: { 'send-back': isSending, drop, all, limit = LIMIT }, positionals } = given
    const isMeant = isSending ? !drop && (positionals.length > 0) !== (all === true) : drop ? positionals.length > 0 && !all : positionals.length === 0 && !all
    if (!isMeant || !/^[1-9]\d{0,5}$/.test(limit)) throw new Error('These options do not go together.')
    return given
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}\n`)
    process.exit(2)
  }
}

async function act(broker: Broker): Promise<{ done: boolean; text: string; json: unknown }> {
  if (values['send-back']) {
    const result = await sendBack(broker, { ids: values.all ? 'all' : ids })
    return { done: result.kept.length === 0 && coversAll(result.sent), text: formatSentBack(result), json: result }
  }
  if (values.drop) {
    const dropped = await dropDeadLetters(broker, ids)
    return { done: coversAll(dropped), text: formatDropped(dropped), json: { dropped } }
  }
  const { count, letters } = await listDeadLetters(broker, Number(values.limit ?? LIMIT))
  return { done: true, text: formatDeadLetters(count, letters), json: { count, letters } }
}

function coversAll(letters: { id: string }[]): boolean {
  return ids.every((id) => letters.some((letter) => letter.id === id))
}
