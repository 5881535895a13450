import { useEffect, useRef } from 'preact/hooks'
import UPlot from 'uplot'
import { language } from '../../shared/language.ts'
import { useStore } from '../../shared/store.ts'
import { theme } from '../../shared/theme.ts'
import { SHOWN_SECONDS } from '../live.ts'
import { wordsNow } from '../words/words.ts'
import type { Line } from './lines.ts'

export interface Drawing {
  /** Seconds since 1970, of each value. */
  times: number[]
  lines: { colour: string; values: Line; isFilled: boolean }[]
  top: number
  /** Moments worth a mark, in seconds since 1970. */
  marks: number[]
}

const AXIS_WIDTH = 3.25
const AXIS_SECONDS = [90, 60, 30, 0]
const LINE_WIDTH = 2

/**
 * The picture of some lines over the last minute and a half. What it shows stands beside it as text, so that it is
 * hidden from readers.
 */
export function Canvas({ drawing }: { drawing: Drawing }) {
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<UPlot | null>(null)
  const shown = useRef(drawing)
  shown.current = drawing
  const chosenTheme = useStore(theme)
  const chosenLanguage = useStore(language)
  const kinds = drawing.lines.map(({ colour }) => colour).join()

  useEffect(() => {
    const { current } = place
    if (!current) return
    const draw = () => {
      plot.current?.destroy()
      plot.current = new UPlot(
        optionsFor(current, () => shown.current),
        dataOf(shown.current),
        current,
      )
    }
    draw()
    const system = matchMedia('(prefers-color-scheme: dark)')
    system.addEventListener('change', draw)
    const resizing = new ResizeObserver(() => plot.current?.setSize(sizeOf(current)))
    resizing.observe(current)
    return () => {
      system.removeEventListener('change', draw)
      resizing.disconnect()
      plot.current?.destroy()
      plot.current = null
    }
  }, [chosenTheme, chosenLanguage, kinds])
  useEffect(() => {
    plot.current?.setData(dataOf(drawing))
  }, [drawing])
  return <div class="canvas" ref={place} aria-hidden="true" />
}

const dataOf = ({ times, lines }: Drawing): UPlot.AlignedData => [times, ...lines.map(({ values }) => values)]
const sizeOf = (place: HTMLElement) => ({ width: place.clientWidth, height: place.clientHeight })

function optionsFor(place: HTMLElement, drawing: () => Drawing): UPlot.Options {
  const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize)
  const axis = {
    stroke: resolved('ink-soft', place),
    font: `${Math.round(rem * 0.75)}px system-ui, sans-serif`,
    ticks: { show: false },
    grid: { stroke: resolved('line', place), width: 1 },
  }
  const end = () => drawing().times.at(-1) ?? SHOWN_SECONDS
  return {
    ...sizeOf(place),
    legend: { show: false },
    cursor: { show: false },
    padding: [rem * 0.5, rem * 0.75, 0, 0],
    scales: {
      x: { time: false, range: () => [end() - SHOWN_SECONDS, end()] },
      y: { range: () => [0, drawing().top] },
    },
    axes: [
      {
        ...axis,
        size: rem * 1.5,
        grid: { show: false },
        splits: () => AXIS_SECONDS.map((ago) => end() - ago),
        values: (_, splits) => splits.map((at) => agoOf(end() - at)),
      },
      {
        ...axis,
        size: rem * AXIS_WIDTH,
        splits: () => [0, drawing().top / 2, drawing().top],
        values: (_, splits) => splits.map(compact),
      },
    ],
    series: [
      {},
      ...drawing().lines.map(({ colour, isFilled }) => {
        const stroke = resolved(`c-${colour}`, place)
        return { stroke, width: isFilled ? 0 : LINE_WIDTH, points: { show: false }, ...(isFilled && { fill: stroke }) }
      }),
    ],
    hooks: { draw: [(plot) => drawMarks(plot, drawing().marks, resolved('accent', place))] },
  }
}

function agoOf(seconds: number): string {
  const rounded = Math.round(seconds)
  return rounded === 0 ? wordsNow().now : `−${Math.floor(rounded / 60)}:${String(rounded % 60).padStart(2, '0')}`
}

const compact = (value: number) =>
  new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 }).format(value)

/** A canvas knows nothing of the style sheet's variables: the browser resolves them. */
function resolved(name: string, within: HTMLElement): string {
  const probe = document.createElement('span')
  probe.style.color = `var(--${name})`
  within.append(probe)
  const { color } = getComputedStyle(probe)
  probe.remove()
  return color
}

/** A dashed line where a process died. */
function drawMarks(plot: UPlot, marks: number[], colour: string): void {
  const { ctx, bbox } = plot
  ctx.save()
  ctx.strokeStyle = colour
  ctx.lineWidth = LINE_WIDTH * devicePixelRatio
  ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio])
  for (const mark of marks) {
    const x = Math.round(plot.valToPos(mark, 'x', true))
    if (x < bbox.left) continue
    ctx.beginPath()
    ctx.moveTo(x, bbox.top)
    ctx.lineTo(x, bbox.top + bbox.height)
    ctx.stroke()
  }
  ctx.restore()
}
