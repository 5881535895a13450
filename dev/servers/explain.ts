import { closeSync, fstatSync, openSync, readSync } from 'node:fs'

/** How much of a log's end is read. */
const READ_MAX = 64_000
/** RabbitMQ's last lines hold whole terms of Erlang. */
const LINE_MAX = 400
const LINES = 6

export interface Ending {
  name: string
  /** As in "exit code 1" or "signal SIGKILL". */
  why: string
  logFile: string
  /** Where the log of this start begins, behind those of earlier ones. */
  logFrom: number
}

/** EX_CONFIG: the service has printed what is wrong with its environment. A retry does not mend it. */
export const BAD_CONFIGURATION = 'exit code 78'

/** Why a program ended, with the end of its log. */
export function explain({ name, why, logFile, logFrom }: Ending): string {
  const hint = why === 'signal SIGKILL' ? '\nIt was killed: by hand, or by the system for want of memory.' : ''
  const lines = lastLines(logFile, logFrom, why === BAD_CONFIGURATION ? Infinity : LINES)
  return `${name} ended (${why}). The end of its log, ${logFile}:${lines.map((line) => `\n  ${line}`).join('')}${hint}`
}

/** The last lines of a log, in plain words: without colours, stack traces and the JSON of pino. */
export function lastLines(logFile: string, logFrom: number, count: number): string[] {
  const lines = endOf(logFile, logFrom).replaceAll(COLOURS, '').split('\n').filter(isTelling)
  return lines.slice(-count).map((line) => inWords(line).slice(0, LINE_MAX))
}

const COLOURS = new RegExp(`${String.fromCharCode(27)}\\[[\\d;]*m`, 'g')
const isTelling = (line: string) => line.trim() !== '' && !/^\s+at /.test(line)

interface PinoLine {
  msg?: string
  err?: string | { message?: string }
}

function inWords(line: string): string {
  if (!line.startsWith('{"level"')) return line
  try {
    const { msg, err } = JSON.parse(line) as PinoLine
    return [msg, typeof err === 'string' ? err : err?.message].filter(Boolean).join(': ')
  } catch {
    return line // Cut off at its beginning or its end.
  }
}

function endOf(logFile: string, logFrom: number): string {
  const file = openSync(logFile, 'r')
  try {
    const from = Math.max(logFrom, fstatSync(file).size - READ_MAX)
    const buffer = Buffer.alloc(READ_MAX)
    return buffer.toString('utf8', 0, readSync(file, buffer, 0, READ_MAX, from))
  } finally {
    closeSync(file)
  }
}
