import Table from 'cli-table3'
import type { DeadLetter } from '../core/contracts/control-room.ts'
import type { SentBack } from '../core/dead-letters/queue.ts'

const WIDTHS = [14, 24, 14, 34, 22, 9, 44]

/** The dead letters for a person, oldest first. */
export function formatDeadLetters(
  count: number,
  letters: DeadLetter[],
  kind: 'dead letters' | 'parked events',
): string {
  if (count === 0) return `There are no ${kind}.`
  const table = new Table({
    head: ['id', 'queue', 'reason', 'why', 'at', 'bytes', 'beginning'],
    colWidths: WIDTHS,
    wordWrap: true,
    wrapOnWordBoundary: false,
    style: { head: [], border: [] },
  })
  for (const { id, queue, reason, why, at, bytes, beginning } of letters) {
    table.push([id, queue ?? '–', reason, why ?? '–', at?.slice(0, 19) ?? '–', bytes, beginning.slice(0, 80)])
  }
  const shown = letters.length < count ? `; the oldest ${letters.length} are shown` : ''
  return `${table.toString()}\n${count} ${kind}${shown}. To send them back: --send-back <id …>, or --send-back --all.`
}

const OUTCOMES = {
  REFUSED: 'its queue is full or gone',
  UNKNOWN: 'the broker did not confirm it; it may be in its queue, too',
  NO_QUEUE: 'nothing says where it comes from',
}

export function formatSentBack({ sent, kept }: SentBack, of?: string): string {
  const endsThere = of !== undefined && kept.length > 0 ? ', and those behind stay, too' : ''
  return [
    ...sent.map(({ id, queue }) => `${id} is back in ${queue}`),
    ...kept.map(({ letter, outcome }) => `${letter.id} stays: ${OUTCOMES[outcome]}`),
    `${sent.length} sent back, ${kept.length} stay${endsThere}.`,
  ].join('\n')
}

/** What was dropped stands nowhere else any more. */
export function formatDropped(dropped: DeadLetter[]): string {
  return [
    ...dropped.map(
      ({ id, queue, reason, beginning }) => `${id} dropped (${queue ?? 'no queue'}, ${reason}): ${beginning}`,
    ),
    `${dropped.length} dropped.`,
  ].join('\n')
}
