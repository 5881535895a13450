import type { Opening } from '../../../core/contracts/opening.ts'
import { useWords } from '../words/words.ts'
import { Field, textOf } from './panel.tsx'

/**
 * Of each number least, most, and what a part begins with when it is switched on; as core/contracts/opening.ts says. One
 * that begins empty is optional.
 */
const PARTS = {
  ticket: { fromMinutesBefore: [1, 1_440, 10], validMinutes: [1, 1_440, 10], refuseFrom: [1, 100, 80] },
  proofOfWork: { tries: [1, 100_000, 2_000] },
  lapses: { max: [1, 8, 2], waitSeconds: [1, 604_800, 600] },
  waitingRoom: {
    perSecond: [1, 100_000, 100],
    outstandingMax: [1, 1_000_000, 1_000_000],
    admissionSeconds: [10, 86_400, 120],
    absentSeconds: [30, 3_600, 30],
    keptSeconds: [0, 86_400, 300],
    membersShare: [1, 99, ''],
  },
  draw: { admissionSeconds: [10, 86_400, 3_600] },
} as const satisfies {
  [Part in keyof Opening]-?: Record<keyof NonNullable<Opening[Part]>, [number, number, number | '']>
}
type Part = keyof typeof PARTS
type Numbers = Record<string, readonly [least: number, most: number, first: number | '']>

const parts = Object.entries(PARTS) as [Part, Numbers][]

/** One switch for each part of a sale's opening, with its numbers. */
export function OpeningFields({ opening }: { opening: Opening }) {
  const { opening: words } = useWords()
  return (
    <fieldset class="opening">
      <legend>{words.title}</legend>
      {parts.map(([part, numbers]) => (
        <div class="row" key={part}>
          <label class="switch">
            <input type="checkbox" name={part} defaultChecked={opening[part] !== undefined} />
            <span>{words.parts[part]}</span>
          </label>
          {Object.entries(numbers).map(([name, [min, max, first]]) => (
            <Field
              key={name}
              label={words.numbers[`${part}.${name}`] ?? name}
              name={`${part}.${name}`}
              type="number"
              min={min}
              max={max}
              required={first !== ''}
              defaultValue={(opening[part] as Record<string, number> | undefined)?.[name] ?? first}
            />
          ))}
        </div>
      ))}
    </fieldset>
  )
}

/** What the fields say: the parts that are switched on. */
export function openingFrom(form: FormData): Opening {
  return Object.fromEntries(
    parts
      .filter(([part]) => form.has(part))
      .map(([part, numbers]) => [
        part,
        Object.fromEntries(
          Object.keys(numbers).flatMap((name) => {
            const text = textOf(form, `${part}.${name}`)
            return text === '' ? [] : [[name, Number(text)]]
          }),
        ),
      ]),
  )
}

/** In the order of the fields, so that equal rules are equal texts. */
export function openingText(opening: Opening): string {
  return parts
    .flatMap(([part, numbers]) => {
      const found = opening[part] as Record<string, number> | undefined
      return found
        ? [
            `${part}: ${Object.keys(numbers)
              .flatMap((name) => found[name] ?? [])
              .join(' ')}`,
          ]
        : []
    })
    .join(', ')
}
