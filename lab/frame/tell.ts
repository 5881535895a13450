import { relative } from 'node:path'
import { createInterface } from 'node:readline/promises'
import Table from 'cli-table3'
import { amount } from './figures.ts'
import { type FoundLab, locate } from './find-labs.ts'
import { isAsExpected, type Language, type Outcome, type Property, type Side } from './lab.ts'
import { readProgress } from './results.ts'
import type { LabTable } from '../../core/contracts/labs.ts'
import { tableOf } from './run-lab.ts'
import { WORDS } from './words.ts'

/** Of an output that is no terminal. */
const WIDTH = 120

interface Told {
  predicted: string | undefined
  /** Undefined when its side did not run. */
  answer: string | number | undefined
}

/** All that a lab says on the terminal, in one language. */
export class Teller {
  readonly #language: Language

  constructor(language: Language) {
    this.#language = language
  }

  list(labs: FoundLab[]): void {
    const progress = readProgress()
    for (const { id, title, exercise } of labs) {
      const { ranAt, solvedAt } = progress[id] ?? {}
      const marks = `${ranAt ? '✓' : '·'}${solvedAt ? '★' : exercise ? '☆' : ' '}`
      console.log(`${marks} ${id.padEnd(20)} ${title[this.#language]}`)
    }
    console.log('\nnpm run lab -- <name>   --check   --hint   --yes   --off <switch>   --lang en|zh')
  }

  opening({ id, title, question }: FoundLab): void {
    console.log(`\n${id} · ${title[this.#language]}\n\n${this.#head('question')}${question[this.#language]}`)
  }

  /** @returns what the reader predicts; undefined when not asked, or no answer is given. */
  async predict({ prediction: { ask, choices } }: FoundLab, isAsked: boolean): Promise<string | undefined> {
    console.log(`${this.#head('predict')}${ask[this.#language]}`)
    const ids = Object.keys(choices ?? {})
    ids.forEach((id, i) => console.log(`${' '.repeat(12)}${i + 1}  ${choices?.[id]?.[this.#language]}`))
    if (!isAsked || !process.stdin.isTTY) return undefined
    const terminal = createInterface({ input: process.stdin, output: process.stdout })
    // In a terminal that asks, Ctrl-C is a key and no signal.
    terminal.once('SIGINT', () => process.kill(process.pid, 'SIGINT'))
    try {
      const range = choices ? `1–${ids.length}` : WORDS.number[this.#language]
      const typed = (await terminal.question(`${' '.repeat(12)}(${range}) > `)).trim()
      return (choices ? ids[Number(typed) - 1] : typed) || undefined
    } finally {
      terminal.close()
    }
  }

  side({ name, diff = [] }: Side<object>): void {
    console.log(`\n▸ ${name[this.#language]}`)
    for (const line of diff) console.log(`    ${line}`)
  }

  outcome(outcome: Outcome): void {
    const { holds, says, lines = [] } = outcome.verdict
    const remark = isAsExpected(outcome) ? '' : ` (${WORDS.unexpected[this.#language]})`
    const result = WORDS[holds ? 'HOLDS' : 'BREAKS'][this.#language]
    console.log(`  ${holds ? '✓' : '✗'} ${result}${remark}: ${says[this.#language]}`)
    for (const line of lines) console.log(`    ${line}`)
  }

  /** The figures of all sides, the prediction beside what came, and where to look on. */
  closing(lab: FoundLab, outcomes: Outcome[], told: Told): void {
    this.#figures(tableOf(lab, outcomes))
    console.log(WORDS[outcomes.every(isAsExpected) ? 'asPromised' : 'notAsPromised'][this.#language])
    const shown = (value: string | number) => lab.prediction.choices?.[value]?.[this.#language] ?? value
    if (told.predicted !== undefined && told.answer !== undefined) {
      const [predicted, came] = [WORDS.predicted[this.#language], WORDS.came[this.#language]]
      console.log(`${predicted}: ${shown(told.predicted)} · ${came}: ${shown(told.answer)}`)
    }
    console.log(WORDS.shop[this.#language])
    for (const line of lab.shop) console.log(`    ${locate(line)}  ${line.says[this.#language]}`)
    if (lab.exercise) console.log(`${WORDS.task[this.#language]}: ${lab.exercise.task[this.#language]}`)
  }

  /** Columns that do not fit are numbered, and named above the table. */
  #figures({ columns, rows }: LabTable): void {
    const names = columns.map((name) => name[this.#language])
    const draw = (head: string[]) => {
      const table = new Table({ head: ['', ...head], style: { head: [], border: [], compact: true } })
      for (const { name, values } of rows)
        table.push([name[this.#language], ...values.map((value) => (value === null ? '–' : amount(value)))])
      return table.toString()
    }
    const wide = draw(names)
    const fits = wide.split('\n').every((line) => line.length <= (process.stdout.columns ?? WIDTH))
    const legend = names.map((name, i) => `  ${String(i + 1).padStart(2)}  ${name}\n`).join('')
    console.log(fits ? `\n${wide}\n` : `\n${legend}${draw(names.map((_, i) => String(i + 1)))}\n`)
  }

  results(folder: string): void {
    console.log(`${WORDS.results[this.#language]}: ${relative('.', folder)}/`)
  }

  properties(properties: Property[]): void {
    for (const { name, holds, says } of properties)
      console.log(`  ${holds ? '✓' : '✗'} ${name[this.#language]}${holds ? '' : `: ${says[this.#language]}`}`)
    if (properties.every(({ holds }) => holds)) console.log(WORDS.solved[this.#language])
  }

  hint({ exercise }: FoundLab, shown: number): void {
    const hint = exercise?.hints[shown]
    const sentence = hint ? `${WORDS.hint[this.#language]} ${shown + 1}: ${hint[this.#language]}` : undefined
    console.log(sentence ?? WORDS[exercise ? 'noMoreHints' : 'noExercise'][this.#language])
  }

  #head(word: 'question' | 'predict'): string {
    // A Chinese character is as wide as two letters.
    return WORDS[word][this.#language].padEnd(this.#language === 'zh' ? 10 : 12)
  }
}
