import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  type Stats,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TryAgain } from '../runtime/subscriber.ts'

export interface Sms {
  buyerId: string
  text: string
  /** The same when the same is sent again: a provider that knows such keys drops the second. */
  key: string
}

export interface SmsProvider {
  /** @throws TryAgain when it cannot take the message now. */
  send: (sms: Sms) => Promise<void>
}

/** Some 50,000 messages. A full file becomes `<file>.1`, and the one before is gone: two of them at most. */
const BYTES_MAX = 10 * 1024 * 1024
/** Not through a symbolic link of another user, and without waiting for the reader of a pipe. */
const APPEND = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK

/**
 * Writes each message into a file, as a line of JSON. A fork puts its provider in this one's place. The file tells what
 * buyers bought: only this user may read it.
 * @param file in a folder of this user's among the temporary files when left out
 */
export function logFileProvider(file: string | undefined, bytesMax = BYTES_MAX): SmsProvider {
  return {
    async send(sms) {
      try {
        append(file ?? join(ownFolder(), 'sms.log'), `${JSON.stringify(sms)}\n`, bytesMax)
      } catch (error) {
        throw new TryAgain(
          `The SMS log cannot be written: ${error instanceof Error ? error.message : String(error)}. Set SMS_LOG_FILE to a file of this user's.`,
        )
      }
    },
  }
}

/** All at once, so that of this process's events no two make room together. */
function append(file: string, line: string, bytesMax: number): void {
  const opened = openSync(file, APPEND, 0o600)
  try {
    const stats = fstatSync(opened)
    if (stats.isFile()) keepPrivate(file, opened, stats)
    if (stats.isFile() && stats.size + line.length > bytesMax && stats.size > 0) renameSync(file, `${file}.1`)
    else return void writeSync(opened, line)
  } finally {
    closeSync(opened)
  }
  append(file, line, bytesMax)
}

function keepPrivate(file: string, opened: number, { uid, mode }: Stats): void {
  if (uid !== process.geteuid?.()) throw new Error(`${file} belongs to another user`)
  if (mode & 0o077) fchmodSync(opened, 0o600)
}

/** Any user may create a folder of that name among the temporary files, so it may not be ours. */
function ownFolder(): string {
  const folder = join(tmpdir(), `seckill-${process.geteuid?.()}`)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const found = lstatSync(folder)
  const isOurs = found.isDirectory() && found.uid === process.geteuid?.() && (found.mode & 0o077) === 0
  if (!isOurs) throw new Error(`${folder} is not a folder that this user alone may enter`)
  return folder
}
