import type { Words } from '../frame/words.ts'

/** What is compared. */
export type Candidate = 'classic' | 'quorum' | 'stream' | 'redis' | 'postgres' | 'kafka'

export const NAMES: Record<Candidate, string> = {
  classic: 'RabbitMQ classic',
  quorum: 'RabbitMQ quorum',
  stream: 'RabbitMQ stream',
  redis: 'Redis Streams',
  postgres: 'PostgreSQL',
  kafka: 'Kafka',
}

export const CANDIDATES = Object.fromEntries(
  Object.entries(NAMES).map(([id, name]) => [id, { en: name, zh: name }]),
) as Record<Candidate, Words>

export interface Message {
  id: number
  /** Messages of the same key must be handled in order. */
  key: number
  delayMs?: number
}

/** Work that may take a while; the message is acknowledged afterwards. */
export type Handle = (message: number, consumer: number) => Promise<void> | void

export interface Reading {
  /** A log keeps the position of each reader; a queue knows none. */
  reader: string
  /** Messages that each consumer has in hand at most. */
  atOnce: number
}

/** A queue or log that is divided into partitions by key. */
export interface Topic {
  /** Resolves when the broker has confirmed all of them. */
  publish(messages: Message[]): Promise<void>
  /** Absent where the broker itself cannot delay a message. */
  publishDelayed?(messages: Message[]): Promise<void>
  /**
   * Starts two consumers, each on a partition of its own; with a single partition both take from it.
   * @returns a function that stops them
   */
  consume(reading: Reading, handle: Handle): Promise<() => Promise<void>>
  /** Publishes in a transaction that is rolled back. Absent where there is none that also holds rows of a table. */
  rollBack?(messages: Message[]): Promise<void>
}

/** A server with one or more of the candidates, on the data of an earlier start if there was one. */
export interface Server {
  version: string
  open(candidate: Candidate, name: string, partitions: number): Promise<Topic>
  /** With SIGKILL. */
  kill(): Promise<void>
}

export const CONSUMERS = [0, 1]

const BODY_BYTES = 200

export const bodyOf = ({ id }: Message): string => String(id).padEnd(BODY_BYTES)
export const idIn = (body: Buffer | string): number => Number(body.toString())
