import type { LiveFrame } from '../../core/contracts/control-room.ts'

/** Somebody who watches the control room's stream. */
export interface Watcher {
  /** What was sent first: the time before. */
  history: () => LiveFrame[] | undefined
  /** Every frame since. */
  frames: LiveFrame[]
  last: () => LiveFrame | undefined
  hasEnded: () => boolean
  leave: () => void
}

export async function watchLive(origin: string, token: string): Promise<Watcher> {
  const leaving = new AbortController()
  const answer = await fetch(`${origin}/live`, { headers: { authorization: `Bearer ${token}` }, signal: leaving.signal })
  if (answer.status !== 200 || !answer.body) throw new Error(`No stream: ${answer.status} ${await answer.text()}`)
  let history: LiveFrame[] | undefined
  let ended = false
  const frames: LiveFrame[] = []
  const stream = answer.body.pipeThrough(new TextDecoderStream())
  void read(stream).catch(() => 'cut, by us or by them').finally(() => { ended = true })
  return { history: () => history, frames, last: () => frames.at(-1), hasEnded: () => ended, leave: () => leaving.abort() }

  async function read(texts: ReadableStream<string>): Promise<void> {
    let rest = ''
    for await (const text of texts) {
      const events = (rest + text).split('\n\n')
      rest = events.pop() ?? ''
      for (const event of events) take(event)
    }
  }

  function take(event: string): void {
    const [, name, data = ''] = /^event: (\w+)\ndata: (.*)$/.exec(event) ?? []
    if (name === 'history') history = JSON.parse(data) as LiveFrame[]
    if (name === 'frame') frames.push(JSON.parse(data) as LiveFrame)
  }
}
