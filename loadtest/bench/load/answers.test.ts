import { expect, test } from 'vitest'
import { AnswerParser } from './answers.ts'

const accepted =
  'HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"id":"é"}'.replace(
    '9',
    String(Buffer.byteLength('{"id":"é"}')),
  )
const soldOut = 'HTTP/1.1 409 Conflict\r\ncontent-length: 2\r\nDate: now\r\n\r\n{}'
const empty = 'HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n'

function read(chunks: Buffer[]): { status: number; body: string }[] {
  const answers: { status: number; body: string }[] = []
  const parser = new AnswerParser((status, body) => answers.push({ status, body: body() }))
  for (const chunk of chunks) {
    parser.push(chunk)
    chunk.fill(0) // As a socket's read buffer is: overwritten by what comes next.
  }
  return answers
}

const all = [
  { status: 202, body: '{"id":"é"}' },
  { status: 409, body: '{}' },
  { status: 503, body: '' },
]

test('several answers in one chunk are told apart', () => {
  expect(read([Buffer.from(accepted + soldOut + empty)])).toEqual(all)
})

test('answers cut anywhere, even byte by byte, are put together again', () => {
  const bytes = Buffer.from(accepted + soldOut + empty)
  for (const size of [1, 2, 7, 50, 100]) {
    const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
      Buffer.from(bytes.subarray(i * size, (i + 1) * size)),
    )
    expect(read(chunks)).toEqual(all)
  }
})

test('an answer without a length is refused instead of guessed at', () => {
  expect(() => read([Buffer.from('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')])).toThrow('Content-Length')
})
