import type { LabPanel } from '../../../core/contracts/labs.ts'
import { language, number } from '../../shared/language.ts'
import { useStore } from '../../shared/store.ts'

const [WIDTH, HEIGHT] = [600, 150]
/** Classes of the colours. */
const COLOURS = ['first', 'second', 'third', 'fourth', 'fifth']

/** No more digits than can be read off a picture. */
const short = (value: number) => Number(value.toPrecision(3))

/** The pictures of a lab's result, as chart.svg has them. */
export function Pictures({ panels }: { panels: LabPanel[] }) {
  const now = useStore(language)
  return (
    <div class="pictures">
      {panels.map((panel, i) => (
        <figure key={i} class="panel">
          <figcaption>
            <h2>{panel.title[now]}</h2>
          </figcaption>
          {panel.bars && <Bars bars={panel.bars} />}
          {panel.lines && <Lines panel={panel} lines={panel.lines} />}
        </figure>
      ))}
    </div>
  )
}

function Bars({ bars }: { bars: NonNullable<LabPanel['bars']> }) {
  const now = useStore(language)
  const most = Math.max(...bars.map(({ value }) => value), Number.MIN_VALUE)
  return (
    <dl class="bars">
      {bars.map(({ name, value, isBad }) => (
        <div key={name.en}>
          <dt>{name[now]}</dt>
          <dd>
            <span class={isBad ? 'bar bad' : 'bar'} style={{ width: `${(70 * value) / most}%` }} /> {number(value)}
          </dd>
        </div>
      ))}
    </dl>
  )
}

function Lines({ panel, lines }: { panel: LabPanel; lines: NonNullable<LabPanel['lines']> }) {
  const now = useStore(language)
  const points = lines.flatMap((line) => line.points)
  const mostX = Math.max(...points.map(([x]) => x), Number.MIN_VALUE)
  const mostY = Math.max(...points.map(([, y]) => y), Number.MIN_VALUE)
  const at = ([x, y]: [number, number]) => `${(x / mostX) * WIDTH},${HEIGHT - (y / mostY) * HEIGHT}`
  return (
    <>
      <svg class="lines" viewBox={`0 -4 ${WIDTH} ${HEIGHT + 8}`} preserveAspectRatio="none" aria-hidden="true">
        {lines.map((line, i) => (
          <polyline key={line.name.en} class={COLOURS[i]} points={line.points.map(at).join(' ')} />
        ))}
      </svg>
      <p class="axes hint">
        <span>
          ↑ {panel.y?.[now]}: 0–{number(short(mostY))}
        </span>
        <span>
          → {panel.x?.[now]}: 0–{number(short(mostX))}
        </span>
      </p>
      <p class="legend">
        {lines.map(({ name, points: ofLine }, i) => (
          <span key={name.en}>
            <span class={`swatch ${COLOURS[i]}`} />
            {name[now]}: {number(ofLine.at(-1)?.[1] ?? 0)}
          </span>
        ))}
      </p>
    </>
  )
}
