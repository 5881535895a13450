import type { LabEvent, LabView } from '../../core/contracts/labs.ts'
import type { FoundLab } from './find-labs.ts'
import { isAsExpected, type Outcome } from './lab.ts'
import { answerOf, tableOf, type Watcher } from './run-lab.ts'

/** More often a page would not show it. */
const ENTRIES_EVERY_MS = 150

const print = (event: LabEvent | LabView[]) => process.stdout.write(`${JSON.stringify(event)}\n`)

export function printLabs(labs: FoundLab[]): void {
  print(
    labs.map(({ name, title, question, prediction, sides }) => ({
      name,
      title,
      question,
      ask: prediction.ask,
      choices: prediction.choices ?? {},
      switches: Object.values(sides).flatMap((side) =>
        side.off === undefined ? [] : [{ off: side.off, name: side.name }],
      ),
    })),
  )
}

/** Prints what happens while a lab runs. */
export function printer(): Watcher {
  let [entries, printedAt] = [0, 0]
  return {
    onSide(id, { name, expected, diff = [] }) {
      entries = 0
      print({ type: 'side', side: { id, name, expected, diff } })
    },
    onEntry(id, entry) {
      entries += 1
      if (performance.now() - printedAt < ENTRIES_EVERY_MS) return
      printedAt = performance.now()
      print({ type: 'entries', id, entries, latest: JSON.stringify(entry) })
    },
    onOutcome({ side: id, history, verdict: { holds, says, lines = [] } }) {
      print({ type: 'entries', id, entries: history.length, latest: '' })
      print({ type: 'verdict', id, verdict: { holds, says, lines } })
    },
  }
}

export function printDone(lab: FoundLab, outcomes: Outcome[]): void {
  const answer = answerOf(lab, outcomes)
  print({
    type: 'done',
    asPromised: outcomes.every(isAsExpected),
    answer: answer === undefined ? null : (lab.prediction.choices?.[answer] ?? { en: `${answer}`, zh: `${answer}` }),
    table: tableOf(lab, outcomes),
    panels: lab.chart(outcomes),
  })
}
