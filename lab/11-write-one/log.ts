import { type FileHandle, open } from 'node:fs/promises'

export type Entry = [kind: 'message', offset: number, body: string] | [kind: 'ack', offset: number]
/** Sends lines to another server, which has them on disk when this resolves. */
export type Copy = (lines: string) => Promise<void>

interface Pending {
  line: string
  resolve: () => void
  reject: (error: unknown) => void
}

export interface LogOptions {
  copies?: Copy[]
  /** Says "written" at once, and writes so many ms later: fast, and wrong. */
  writeLaterMs?: number
}

/** An append-only file with one entry per line. What it says is written is on this disk, and on those of its copies. */
export class Log {
  readonly #file: FileHandle
  readonly #options: LogOptions
  #pending: Pending[] = []
  #isWriting = false

  private constructor(file: FileHandle, options: LogOptions) {
    this.#file = file
    this.#options = options
  }

  /** @returns the log, and what is in it: a line that was cut off by a crash was never confirmed */
  static async open(path: string, options: LogOptions = {}): Promise<{ log: Log; entries: Entry[] }> {
    const file = await open(path, 'a+')
    const text = await file.readFile('utf8')
    const whole = text.slice(0, text.lastIndexOf('\n') + 1)
    await file.truncate(Buffer.byteLength(whole))
    const entries = whole
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Entry)
    return { log: new Log(file, options), entries }
  }

  append(entry: Entry): Promise<void> {
    return this.appendLines(`${JSON.stringify(entry)}\n`)
  }

  async appendLines(line: string): Promise<void> {
    const written = new Promise<void>((resolve, reject) => this.#pending.push({ line, resolve, reject }))
    const { writeLaterMs } = this.#options
    if (writeLaterMs === undefined) void this.#write()
    else {
      setTimeout(() => void this.#write(), writeLaterMs)
      return
    }
    await written
  }

  /** All that waits is written together: one fsync for many messages (group commit). */
  async #write(): Promise<void> {
    if (this.#isWriting) return
    this.#isWriting = true
    while (this.#pending.length > 0) {
      const batch = this.#pending.splice(0)
      const lines = batch.map(({ line }) => line).join('')
      const { copies = [] } = this.#options
      try {
        await Promise.all([this.#store(lines), ...copies.map((copy) => copy(lines))])
        for (const { resolve } of batch) resolve()
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
    this.#isWriting = false
  }

  async #store(lines: string): Promise<void> {
    await this.#file.appendFile(lines)
    await this.#file.datasync()
  }
}
