const STATUS_AT = 'HTTP/1.1 '.length
const HEAD_END = '\r\n\r\n'

/** `body` decodes on demand: hardly any answer's body is looked at. */
export type OnAnswer = (status: number, body: () => string) => void

/**
 * Takes HTTP/1.1 answers out of whatever chunks they come in. It knows status and Content-Length and nothing else,
 * which is what makes it cheap; an answer without Content-Length (none of ours is) cannot be told from the next one.
 */
export class AnswerParser {
  readonly #onAnswer: OnAnswer
  #kept: Buffer | undefined

  constructor(onAnswer: OnAnswer) {
    this.#onAnswer = onAnswer
  }

  /** The chunk may be reused by its owner afterwards. @throws when it is not an answer that can be read. */
  push(chunk: Buffer): void {
    const bytes = this.#kept ? Buffer.concat([this.#kept, chunk]) : chunk
    this.#kept = undefined
    let from = 0
    for (let end = this.#answer(bytes, 0); end !== undefined; end = this.#answer(bytes, from)) from = end
    if (from < bytes.length) this.#kept = Buffer.from(bytes.subarray(from))
  }

  /** @returns where the answer that begins there ends, or undefined while it is not all there. */
  #answer(bytes: Buffer, from: number): number | undefined {
    const headEnd = bytes.indexOf(HEAD_END, from, 'latin1')
    if (headEnd === -1) return undefined
    const head = bytes.toString('latin1', from, headEnd + 2)
    const status = Number(head.slice(STATUS_AT, STATUS_AT + 3))
    const length = /\r\ncontent-length: *(\d+)\r\n/i.exec(head)?.[1]
    if (!(status >= 100) || length === undefined)
      throw new Error(`Expected an HTTP/1.1 answer with Content-Length, got:\n${head.slice(0, 500)}`)
    const bodyFrom = headEnd + HEAD_END.length
    const end = bodyFrom + Number(length)
    if (end > bytes.length) return undefined
    this.#onAnswer(status, () => bytes.toString('utf8', bodyFrom, end))
    return end
  }
}
