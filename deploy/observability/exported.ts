import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Lists of what the servers' exporters export; npm run observability -- --read writes them. */
const EXPORTED = join(import.meta.dirname, 'exported')

export const SERVERS = ['redis', 'postgres', 'rabbitmq'] as const
export type ServerName = (typeof SERVERS)[number]

const METRIC_OF_SERVER = /^(?:redis|pg|rabbitmq)_/
const SERIES = /^(\w+)(?:\{(.*)\})? \S+$/gm
const LABEL = /(\w+)="(?:[^"\\]|\\.)*"/g

/** Whether one of the servers exports it, by its name. */
export const isOfServer = (metric: string) => METRIC_OF_SERVER.test(metric)

/** The file of one server: what was asked, then one metric a line, with its labels. */
export function exportedList(asked: string, exposition: string): string {
  const labels = new Map<string, Set<string>>()
  for (const [, metric = '', pairs = ''] of exposition.matchAll(SERIES)) {
    if (!isOfServer(metric)) continue
    const known = labels.get(metric) ?? new Set()
    for (const [, label = ''] of pairs.matchAll(LABEL)) known.add(label)
    labels.set(metric, known)
  }
  const lines = [...labels].map(([metric, names]) => [metric, ...[...names].toSorted()].join(' '))
  return [`# ${asked}`, ...lines.toSorted(), ''].join('\n')
}

/** The labels of each metric that the servers export. */
export function readExported(): Map<string, string[]> {
  const lines = SERVERS.flatMap((server) => readFileSync(fileOf(server), 'utf8').split('\n'))
  return new Map(
    lines
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => {
        const [metric = '', ...labels] = line.split(' ')
        return [metric, labels]
      }),
  )
}

export const fileOf = (server: ServerName) => join(EXPORTED, `${server}.txt`)
