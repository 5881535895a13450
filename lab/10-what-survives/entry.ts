import type { Words } from '../frame/words.ts'

/** A way of sending and keeping messages. */
export type Way = 'transient' | 'one-way' | 'sync' | 'async' | 'quorum' | RedisWay
/** The last two start again from an older copy of the log. */
export type RedisWay = 'everysec' | 'always' | 'everysec-copy' | 'always-copy'

export interface Entry {
  way: Way
  /** TOLD: the sender was told that the message is safe, or took it to be safe. LEFT: there after the restart. */
  what: 'BEGAN' | 'TOLD' | 'KILLED' | 'LEFT'
  message?: number
  at: number
}

export const WAYS: Record<Way, Words> = {
  transient: { en: 'transient, confirmed', zh: '非持久，有确认' },
  'one-way': { en: 'persistent, one-way', zh: '持久，单向发送' },
  sync: { en: 'persistent, confirmed one by one', zh: '持久，逐条确认' },
  async: { en: 'persistent, confirmed in the background', zh: '持久，异步确认' },
  quorum: { en: 'quorum queue, confirmed in the background', zh: 'quorum 队列，异步确认' },
  everysec: { en: 'Redis, appendfsync everysec', zh: 'Redis，appendfsync everysec' },
  always: { en: 'Redis, appendfsync always', zh: 'Redis，appendfsync always' },
  'everysec-copy': { en: 'Redis, everysec, older copy', zh: 'Redis，everysec，旧副本' },
  'always-copy': { en: 'Redis, always, older copy', zh: 'Redis，always，旧副本' },
}
