import { headersOf, type Refusal, refusalOf } from './api.ts'

/** One event of a stream (HTML standard, "server-sent events"). */
export interface ServerSentEvent {
  event: string
  data: string
}

export interface Stream {
  path: string
  token?: string | undefined
  signal: AbortSignal
  /** So long without a byte, and the connection is taken for dead. */
  silenceLimitMs: number
  onOpen?: () => void
  onEvent: (event: ServerSentEvent) => void
}

/**
 * Reads one stream to its end. By `fetch`, because the browser's own EventSource sends no token.
 * @returns why there is none, or undefined when the server ended it. @throws when it breaks off.
 */
export async function readStream({
  path,
  token,
  signal,
  silenceLimitMs,
  onOpen,
  onEvent,
}: Stream): Promise<Refusal | undefined> {
  const silence = new AbortController()
  let timer = setTimeout(() => silence.abort(), silenceLimitMs)
  try {
    const response = await fetch(path, {
      headers: headersOf({ token, headers: { accept: 'text/event-stream' } }),
      cache: 'no-store',
      signal: AbortSignal.any([signal, silence.signal]),
    })
    if (!response.ok || !response.body) return await refusalOf(response)
    onOpen?.()
    const parse = eventParser(onEvent)
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      clearTimeout(timer)
      timer = setTimeout(() => silence.abort(), silenceLimitMs)
      parse(part.value)
    }
    return undefined
  } finally {
    clearTimeout(timer)
    // An event that could not be used ends the reading, not the connection; of those a browser has six.
    silence.abort()
  }
}

/** Takes the text of a stream in chunks of any size. Comments (heartbeats), `id` and `retry` are left out. */
export function eventParser(onEvent: (event: ServerSentEvent) => void): (text: string) => void {
  let rest = ''
  let event = ''
  let data: string[] = []

  function line(text: string): void {
    if (text === '') {
      if (data.length > 0) onEvent({ event: event || 'message', data: data.join('\n') })
      event = ''
      data = []
      return
    }
    const colon = text.indexOf(':')
    const field = colon === -1 ? text : text.slice(0, colon)
    const value = colon === -1 ? '' : text.slice(colon + 1).replace(/^ /, '')
    if (field === 'event') event = value
    else if (field === 'data') data.push(value)
  }

  return (text) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const each of lines) line(each.replace(/\r$/, ''))
  }
}
