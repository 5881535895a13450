/**
 * Usage: npm run story -- ID [--lang LANGUAGE] [--json]
 *   ID                of a reservation, an order or a buyer
 *   --lang LANGUAGE   en or zh; en when left out
 *   --json            the stories as JSON
 * Tells what happened to a reservation and its order, or to the newest ones of a buyer. Exits 0, 1 when there is none,
 * or 2 when it could not look.
 */
import { z } from 'zod'
import type { StoryView } from '../core/contracts/control-room.ts'
import { commandLine, refuse } from '../core/platform/process/command-line.ts'
import { parseConfig, settings } from '../core/platform/process/config.ts'
import { createLog } from '../core/platform/process/log.ts'
import { connectDatabase } from '../core/platform/stores/connect-database.ts'
import { connectRedis, redisReady } from '../core/platform/stores/redis.ts'
import { Stock } from '../core/stock/stock.ts'
import { addSpans } from '../core/story/read-spans.ts'
import { readStories } from '../core/story/read-stories.ts'
import { formatStories } from './format-stories.ts'
import { runningSystem } from './running-system.ts'

const {
  values: { lang, json },
  positionals: [id = ''],
} = commandLine({ lang: { type: 'string', default: 'en' }, json: { type: 'boolean' } }, [1, 1])
const language = lang === 'en' || lang === 'zh' ? lang : refuse(`--lang: expected en or zh, got "${lang}".`)

const StoryConfig = z.object({
  DATABASE_URL: settings.DATABASE_URL,
  REDIS_URL: settings.REDIS_URL,
  REDIS_KEY_PREFIX: settings.REDIS_KEY_PREFIX,
  CURRENCY: settings.CURRENCY,
  TRACE_STORE_URL: settings.TRACE_STORE_URL,
})

try {
  const stories = await read()
  if (stories.length === 0) process.stderr.write(`There is no reservation, order or buyer "${id}" on record.\n`)
  else process.stdout.write(`${json ? JSON.stringify(stories, null, 2) : formatStories(stories, language)}\n`)
  process.exitCode = stories.length === 0 ? 1 : 0
} catch (error) {
  process.stderr.write(`The story cannot be read: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 2
}

async function read(): Promise<StoryView[]> {
  const config = parseConfig(
    StoryConfig,
    process.env.DATABASE_URL ? process.env : { ...runningSystem(), ...process.env },
  )
  const database = connectDatabase(config.DATABASE_URL, { connections: 2, statementTimeoutMs: 30_000 })
  const redis = connectRedis(config.REDIS_URL, createLog('story', 'silent'), 30_000)
  try {
    await redisReady(redis, 5_000)
    const stock = new Stock(redis, config.REDIS_KEY_PREFIX)
    const stories = await readStories({ database, stock }, id, config.CURRENCY)
    return config.TRACE_STORE_URL === undefined ? stories : await withSpans(stories, config.TRACE_STORE_URL)
  } finally {
    redis.disconnect()
    await database.$disconnect()
  }
}

/** What is on record is told also while the trace store is away. */
function withSpans(stories: StoryView[], storeUrl: string): Promise<StoryView[]> {
  return addSpans(stories, storeUrl).catch((error: unknown) => {
    process.stderr.write(`Told without spans; the trace store of TRACE_STORE_URL: ${(error as Error).message}\n`)
    return stories
  })
}
