const LINE_INTERVAL_MS = 5_000

export interface Progress {
  look: (waiting: number) => void
  /** What became of it all, in one line. */
  end: (name: string, over: number, processes: number) => string
}

/** Shows what still waits: one line that changes on a terminal, one every five seconds elsewhere. */
export function showProgress(out: NodeJS.WriteStream): Progress {
  const startedMs = Date.now()
  let first: number | undefined
  let linedMs = 0
  const seconds = () => (Date.now() - startedMs) / 1_000
  return {
    look(waiting) {
      first ??= waiting
      if (!out.isTTY && Date.now() - linedMs < LINE_INTERVAL_MS) return
      linedMs = Date.now()
      const line = `${count(waiting)} events wait, of ${count(first)} at first; ${count(Math.max(0, first - waiting) / seconds())} a second`
      out.write(out.isTTY ? `\r\u001B[K${line}` : `${line}\n`)
    },
    end: (name, over, processes) =>
      `${out.isTTY ? '\n' : ''}The backlog of ${name} is drained: ${count(first ?? 0)} events in ${seconds().toFixed(1)} s, ` +
      `${count((first ?? 0) / seconds())} a second, over ${over} queues by ${processes} processes. Everything is as it was before.`,
  }
}

const count = (value: number) => Math.round(value).toLocaleString('en-US')
