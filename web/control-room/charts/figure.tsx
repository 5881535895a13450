import type { ComponentChildren } from 'preact'
import { number } from '../../shared/language.ts'
import { Canvas } from './canvas.tsx'
import type { Colour } from './colours.ts'
import { bridged, latest, type Line, stacked } from './lines.ts'

export interface Series {
  colour: Colour
  name: string
  values: Line
}

export interface FigureProps {
  id: string
  title: string
  /** What is counted: "a second". */
  unit: string
  /** The one figure of it. */
  total: number | null
  times: number[]
  series: Series[]
  /** Wider, with its figures at its side. */
  isMain?: boolean
  isStacked?: boolean
  top: number
  marks: number[]
  children?: ComponentChildren
}

/**
 * A chart with its figures of now as text beside it: for screen readers, and for readers far from the screen.
 */
export function Figure({
  id,
  title,
  unit,
  total,
  times,
  series,
  isMain = false,
  isStacked = false,
  top,
  marks,
  children,
}: FigureProps) {
  const lines = series.map(({ values }) => bridged(values))
  const drawn = isStacked ? stacked(lines) : lines
  // The highest first: what is below is drawn over it.
  const drawing = {
    times,
    top,
    marks,
    lines: series
      .map(({ colour }, at) => ({ colour, values: drawn[at] ?? [], isFilled: isStacked || series.length === 1 }))
      .reverse(),
  }
  return (
    <figure class={isMain ? 'chart main' : 'chart'} data-chart={id} aria-labelledby={`${id}-title`}>
      <figcaption>
        <h2 id={`${id}-title`}>{title}</h2>
        <p class="total figures">
          <strong data-figure={id}>{shown(total)}</strong> <span>{unit}</span>
        </p>
      </figcaption>
      <Canvas drawing={drawing} />
      <dl class="legend figures">
        {series.map(({ colour, name }, at) => (
          <div key={colour}>
            <dt>
              <span class={`swatch ${colour}`} />
              {name}
            </dt>
            <dd>{shown(latest(lines[at] ?? []))}</dd>
          </div>
        ))}
        {children}
      </dl>
    </figure>
  )
}

export const shown = (value: number | null) => (value === null ? '–' : number(Math.round(value)))
