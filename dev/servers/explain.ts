import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { dirname } from 'node:path'

/** How much of a log's end is read: the cause of an exit is in the last lines. */
const READ_MAX = 64_000
/** Earlier lines hold faults that it survived. RabbitMQ ends with a long stack trace. */
const LINES_MAX = 60

export interface Ending {
  name: string
  /** "exit code 1", "signal SIGKILL". */
  why: string
  logFile: string
  /** Where the log of this start begins, behind those of earlier ones. */
  logFrom: number
}

export interface Explanation {
  sentence: string
  /** A retry may succeed. */
  mayPass: boolean
}

/**
 * Faults that a retry does not mend, by the messages of Node, PostgreSQL, Redis and RabbitMQ; `$&` is the match.
 */
const LASTING: [RegExp, (folder: string) => string][] = [
  [/no space left on device|ENOSPC|disk is full/i, (folder) => `The disk of ${folder} is full; free at least 500 MB.`],
  [/read-only file system|EROFS/i, (folder) => `${folder} is on a file system that is read-only; mount it writable.`],
  [
    /permission denied|EACCES|EPERM|wrong ownership/i,
    (folder) =>
      `This user may not use a file in ${folder} ($&); start as the user who owns it, or make it this user's.`,
  ],
  [
    /cannot allocate memory|ENOMEM|heap out of memory|could not map anonymous shared memory|eheap_alloc/i,
    () => 'There is not enough memory; end other programs, or give this machine or container more.',
  ],
  [
    /required feature flag not enabled|[^\n]*feature flags?[^\n]*(?:unsupported|incompatible)[^\n]*/i,
    (folder) =>
      `This RabbitMQ cannot read the data in ${folder}, which an older one made. Name the program of that one in RABBITMQ_SERVER to keep the data, or clear all data with: npm run reset`,
  ],
  [
    /Can't handle RDB format version/,
    (folder) =>
      `This Redis cannot read the data in ${folder}, which a later one made. Name the program of that one in REDIS_SERVER to keep the data, or clear all data with: npm run reset`,
  ],
  [
    /Bad file format reading the append only file|Unexpected end of file reading the append only file/,
    (folder) =>
      `Redis cannot read its log in ${folder}, which is damaged; mend it with redis-check-aof --fix, or clear all data with: npm run reset`,
  ],
  [
    /EADDRINUSE|address already in use|Port \d+ on \S+ is taken|ALREADY_LISTENING|eaddrinuse/i,
    () => 'Its port is taken by another program ($&); end that one, or start again.',
  ],
]

/** EX_CONFIG: the service has printed what is wrong with its environment. */
const BAD_CONFIGURATION = 'exit code 78'

/** Why a program ended, in one or two sentences. */
export function explain({ name, why, logFile, logFrom }: Ending): Explanation {
  const text = endOf(logFile, logFrom)
  const said = `${name} ended (${why})`
  if (why === BAD_CONFIGURATION) return { sentence: `${said}. ${text.trim()}`, mayPass: false }
  const lastLines = text.split('\n').slice(-LINES_MAX).join('\n')
  for (const [pattern, sentence] of LASTING) {
    const [match] = pattern.exec(lastLines) ?? []
    if (match)
      return {
        sentence: `${said}. ${sentence(dirname(logFile)).replace('$&', () => match)} Its log: ${logFile}`,
        mayPass: false,
      }
  }
  const reason =
    why === 'signal SIGKILL' ? 'It was killed: by hand, or by the system for want of memory.' : lastSentence(text)
  return { sentence: `${said}${reason ? `: ${reason}` : ''} Its log: ${logFile}`, mayPass: true }
}

/** The last line of level warning or above; empty when there is none. */
export function lastWarning(logFile: string, logFrom: number): string {
  return lastSentence(endOf(logFile, logFrom), WARNING)
}

/** The message of the most severe of the last lines, of a JSON or a text log. */
function lastSentence(text: string, atLeast = 0): string {
  const lines = text
    .replaceAll(COLOURS, '')
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)
    .map(readLine)
    .filter(({ gravity }) => gravity >= atLeast)
  const gravest = Math.max(...lines.map(({ gravity }) => gravity), 0)
  return lines.findLast(({ gravity }) => gravity === gravest)?.sentence ?? ''
}

const ESCAPE = String.fromCharCode(27)
const COLOURS = new RegExp(`${ESCAPE}\\[[\\d;]*m`, 'g')
/** As in the levels of pino. */
const WARNING = 40

interface Line {
  gravity: number
  sentence: string
}

const TEXT_GRAVITY: [RegExp, number][] = [
  [/(?:FATAL|PANIC):\s*(.+)/, 60],
  [/^(?:\w*Error|Error \[\w+\]): (.+)/, 60],
  [/\[(?:error|critical)\]\s*(?:<\S+>)?\s*(.+)/, 50],
  [/ # (.+)/, 40],
]

function readLine(line: string): Line {
  const json = parsed(line)
  if (json) return { gravity: json.level ?? 0, sentence: [json.msg, reasonOf(json.err)].filter(Boolean).join(': ') }
  for (const [pattern, gravity] of TEXT_GRAVITY) {
    const found = pattern.exec(line)
    if (found?.[1]) return { gravity, sentence: found[1] }
  }
  return { gravity: 10, sentence: line }
}

interface LogLine {
  level?: number
  msg?: string
  err?: string | { message?: string }
}

function parsed(line: string): LogLine | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    return JSON.parse(line) as LogLine
  } catch {
    return undefined // Cut off at its beginning or its end.
  }
}

const reasonOf = (err: LogLine['err']) => (typeof err === 'string' ? err : err?.message)?.trim().split('\n').at(-1)

function endOf(logFile: string, logFrom: number): string {
  try {
    const file = openSync(logFile, 'r')
    try {
      const { size } = fstatSync(file)
      const from = Math.max(logFrom, size - READ_MAX)
      const buffer = Buffer.alloc(Math.max(0, size - from))
      readSync(file, buffer, 0, buffer.length, from)
      return buffer.toString()
    } finally {
      closeSync(file)
    }
  } catch {
    return '' // There is no log.
  }
}
