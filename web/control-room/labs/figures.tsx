import type { LabTable } from '../../../core/contracts/labs.ts'
import { language, number } from '../../shared/language.ts'
import { useStore } from '../../shared/store.ts'
import { useWords } from '../words/words.ts'

/** The figures of all sides, as the terminal has them. */
export function Figures({ table: { columns, rows } }: { table: LabTable }) {
  const { labs: words } = useWords()
  const now = useStore(language)
  return (
    <div class="panel figures-of-sides" role="region" aria-label={words.figures} tabIndex={0}>
      <table>
        <thead>
          <tr>
            <td />
            {columns.map((name) => (
              <th key={name.en} scope="col">
                {name[now]}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ name, values }) => (
            <tr key={name.en}>
              <th scope="row">{name[now]}</th>
              {values.map((value, i) => (
                <td key={i}>{value === null ? '–' : number(value)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
