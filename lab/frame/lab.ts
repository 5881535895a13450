import type { Panel } from './chart.ts'
import type { Place } from './place.ts'
import type { Words } from './words.ts'

export type { Language, Words } from './words.ts'

/**
 * An experiment on the real servers, in the folder `lab/<number>-<name>/`. Its file has the order in which it is seen:
 * question, prediction, sides, verdict, chart, exercise, and where the shop does it.
 */
export interface Lab<Entry extends object, Work = never> {
  title: Words
  /** One sentence. */
  question: Words
  prediction: Prediction<Entry>
  /** In the order in which they are told: first without the protection, then with it. */
  sides: Record<string, Side<Entry>>
  /**
   * So many sides run at the same time, where no figure is a measurement of time; told one after the other. The longest
   * one starts first: it would go on alone when the others have ended.
   */
  atOnce?: { sides: number; longest: string }
  /** Names of the figures that the verdicts have, in the order of the table. */
  figures: Record<string, Words>
  /** A pure function of what happened, which does not know the side. */
  judge(history: Entry[]): Verdict
  /** Before and after, beside one another. */
  chart(outcomes: Outcome<Entry>[]): Panel[]
  exercise?: Exercise<Work>
  /** Where the shop does it. */
  shop: ShopLine[]
}

export interface Prediction<Entry extends object> {
  ask: Words
  /** Choices by id. Without them a number is typed. */
  choices?: Record<string, Words>
  /** What was to be predicted, as it came: the id of a choice, or the number; undefined when its side did not run. */
  answer(sides: Record<string, Outcome<Entry>>): string | number | undefined
}

/** One way of doing it. */
export interface Side<Entry extends object> {
  name: Words
  /** What its verdict must be. BREAKS: the protection is missing, and the reader must see what it costs. */
  expected: 'HOLDS' | 'BREAKS'
  /** The protection that is off here, as `--off` names it. */
  off?: string
  /** False for one that the short form leaves out. */
  inShort?: boolean
  /** The file and the lines that are taken away for it, as in a diff. */
  diff?: string[]
  /** Records what happens, as it happens. */
  run(place: Place<Entry>): Promise<void>
}

export interface Verdict {
  holds: boolean
  /** One sentence with names and times: "buyer 417 was told yes at 12:00:03.120; no order exists". */
  says: Words
  figures: Record<string, number>
  /** Lines of a timeline or table below the sentence. */
  lines?: string[]
}

export interface Outcome<Entry extends object = object> {
  side: string
  name: Words
  expected: 'HOLDS' | 'BREAKS'
  history: Entry[]
  verdict: Verdict
}

/** One hole in `exercise.ts`, filled in `solution.ts`; both export the same names. */
export interface Exercise<Work> {
  task: Words
  /** `--hint` shows one more of them each time. */
  hints: Words[]
  /** Runs the work. Of a property that does not hold it says what happened, with names. */
  check(place: Place<object>, work: Work): Promise<Property[]>
}

export interface Property {
  name: Words
  holds: boolean
  /** What happened when it does not hold. */
  says: Words
}

/** Lines of the shop, found by their text: line numbers would rot. */
export interface ShopLine {
  file: string
  /** Stands in the file exactly once. */
  quote: string
  says: Words
}

export const isAsExpected = ({ expected, verdict }: Outcome): boolean => verdict.holds === (expected === 'HOLDS')
