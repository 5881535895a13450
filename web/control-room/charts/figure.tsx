import { number } from '../../shared/language.ts'
import { useWords } from '../words/words.ts'
import { Canvas } from './canvas.tsx'
import { bridged, latest, type Line, stacked } from './lines.ts'

export interface Series {
  /** The style sheet has its colour, as --c-id. */
  id: string
  name: string
  values: Line
}

export interface FigureProps {
  id: 'requests' | 'waiting' | 'orders' | 'stock' | 'fates' | 'writes'
  /** What is counted: "a second". */
  unit: string
  /** The one figure of it. */
  total: number | null
  times: number[]
  series: Series[]
  isStacked?: boolean
  top: number
  marks: number[]
  /** Figures that are not drawn. */
  others?: [name: string, value: number | null][]
}

/**
 * A chart with its figures of now as text beside it: for screen readers, and for readers far from the screen.
 */
export function Figure({ id, unit, total, times, series, isStacked = false, top, marks, others = [] }: FigureProps) {
  const { charts: titles } = useWords()
  const lines = series.map(({ values }) => bridged(values))
  const drawn = isStacked ? stacked(lines) : lines
  // The highest first: what is below is drawn over it.
  const drawing = {
    times,
    top,
    marks,
    lines: series
      .map(({ id: colour }, at) => ({ colour, values: drawn[at] ?? [], isFilled: isStacked || series.length === 1 }))
      .reverse(),
  }
  return (
    <figure class="chart" data-chart={id} aria-labelledby={`${id}-title`}>
      <figcaption>
        <h2 id={`${id}-title`}>{titles[id]}</h2>
        <p class="total figures">
          <strong data-figure={id}>{shown(total)}</strong> <span>{unit}</span>
        </p>
      </figcaption>
      <Canvas drawing={drawing} />
      <dl class="legend figures">
        {series.map(({ id: colour, name }, at) => (
          <div key={colour}>
            <dt>
              <span class="swatch" style={{ background: `var(--c-${colour})` }} />
              {name}
            </dt>
            <dd>{shown(latest(lines[at] ?? []))}</dd>
          </div>
        ))}
        {others.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{shown(value)}</dd>
          </div>
        ))}
      </dl>
    </figure>
  )
}

export const shown = (value: number | null) => (value === null ? '–' : number(Math.round(value)))
