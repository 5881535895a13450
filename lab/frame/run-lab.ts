import type { LabTable } from '../../core/contracts/labs.ts'
import type { TestServers } from '../../test/servers.ts'
import type { Lab, Outcome, Property, Side } from './lab.ts'
import { rounded } from './figures.ts'
import { inPlace, type PlaceOptions } from './place.ts'

export interface RunOptions {
  servers: TestServers
  seed: number
  /** As the tests run it. */
  isShort: boolean
  /** Only the sides with this protection off, and those with all of them on. */
  off?: string | undefined
}

/** What a run tells while it goes on. */
export interface Watcher {
  onSide?: (id: string, side: Side<object>) => void
  onEntry?: (side: string, entry: object) => void
  onOutcome?: (outcome: Outcome) => void
}

/** A lab of any kind. */
export type AnyLab = Lab<object, object>

export async function runLab(lab: AnyLab, options: RunOptions, watcher: Watcher = {}): Promise<Outcome[]> {
  const sides = Object.entries(sidesOf(lab, options))
  const { sides: atOnce, longest } = lab.atOnce ?? { sides: 1, longest: undefined }
  const waiting = sides.toSorted(([one], [other]) => Number(other === longest) - Number(one === longest))
  const running = new Map<string, Promise<Outcome>>()
  let told = ''
  const startNext = () => {
    for (const [id, side] of waiting.splice(0, 1)) {
      // What runs ahead is told in its turn.
      const onEntry = (entry: object) => id === told && watcher.onEntry?.(id, entry)
      const ends = runSide(lab, id, side, { ...options, onEntry })
      ends.then(startNext, () => 'thrown below')
      running.set(id, ends)
    }
  }
  for (let i = 0; i < atOnce; i++) startNext()
  const outcomes: Outcome[] = []
  for (const [id, side] of sides) {
    told = id
    watcher.onSide?.(id, side)
    // The one before it has ended, and then the next in line has started.
    const outcome = await running.get(id)
    if (!outcome) throw new Error(`${id} was not started.`)
    outcomes.push(outcome)
    watcher.onOutcome?.(outcome)
  }
  return outcomes
}

async function runSide(lab: AnyLab, id: string, side: Side<object>, options: PlaceOptions<object>): Promise<Outcome> {
  const history = await inPlace(options, (place) => side.run(place))
  if (history.length === 0) throw new Error(`${id} recorded nothing, so nothing can be judged.`)
  return { side: id, name: side.name, expected: side.expected, history, verdict: lab.judge(history) }
}

/** What the prediction is compared with; undefined when its side did not run. */
export const answerOf = ({ prediction }: AnyLab, outcomes: Outcome[]): string | number | undefined =>
  prediction.answer(Object.fromEntries(outcomes.map((outcome) => [outcome.side, outcome])))

export const tableOf = ({ figures }: AnyLab, outcomes: Outcome[]): LabTable => ({
  columns: Object.values(figures),
  rows: outcomes.map(({ name, verdict }) => ({
    name,
    values: Object.keys(figures).map((id) => {
      const value = verdict.figures[id]
      return value === undefined ? null : rounded(value)
    }),
  })),
})

export const switchesOf = ({ sides }: AnyLab): string[] => [
  ...new Set(Object.values(sides).flatMap(({ off }) => off ?? [])),
]

function sidesOf({ sides }: AnyLab, { off, isShort }: RunOptions): AnyLab['sides'] {
  const isWanted = (side: Side<object>) =>
    off === undefined ? !isShort || side.inShort !== false : side.off === undefined || side.off === off
  return Object.fromEntries(Object.entries(sides).filter(([, side]) => isWanted(side)))
}

/** @returns the properties; work that throws has one that does not hold, and says why. */
export async function checkWork(lab: AnyLab, work: object, options: RunOptions): Promise<Property[]> {
  let properties: Property[] = []
  await inPlace(options, async (place) => {
    properties = (await lab.exercise?.check(place, work).catch(thrown)) ?? []
  })
  return properties
}

const thrown = (error: Error): Property[] => [
  {
    name: { en: 'it runs to its end', zh: '能运行到底' },
    holds: false,
    says: { en: `it failed: ${error.message}`, zh: `运行失败：${error.message}` },
  },
]
