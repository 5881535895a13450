import type { RedisClient } from '../platform/stores/redis.ts'
import { type Call, callersOn, readScripts } from '../stock/scripts.ts'

interface Answers {
  attend: string[]
  shuffle: 'NOT_YET' | 'MORE' | 'SHUFFLED'
  admit: [admitted: number, absent: number, hasMore: number]
}
type Scripts = { [Name in keyof Answers]: (call: Call) => Promise<Answers[Name]> }

const scripts = readScripts(['attend', 'shuffle', 'admit'], ['room'], import.meta.url)

/** The scripts of this folder, called on that connection. */
export const scriptsOn = (redis: RedisClient) => callersOn(redis, scripts) as Scripts
