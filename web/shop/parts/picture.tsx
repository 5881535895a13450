const UNIT = 20
const GAP = 3
/** Widths of the keys of each row, in units; 15 a row. A minus marks those in colour. */
const ROWS = [
  [-1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2],
  [1.5, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1.5],
  [1.75, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -2.25],
  [2.25, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2.75],
  [1.25, 1.25, 1.25, 6.25, 1.25, 1.25, 1.25, 1.25],
]

/** What is sold, drawn. A fork puts its photographs here. */
export function Picture({ title }: { title: string }) {
  return (
    <figure class="picture" aria-hidden="true">
      <svg viewBox="0 0 400 225" preserveAspectRatio="xMidYMid meet">
        <circle class="glow" cx="300" cy="40" r="165" />
        {/keyboard|键盘/i.test(title) ? <Keyboard /> : <Parcel />}
      </svg>
    </figure>
  )
}

function Keyboard() {
  const [width, height] = [15 * UNIT, ROWS.length * UNIT]
  return (
    <g transform="rotate(-7 200 112) translate(50 62)">
      <rect class="shadow" x={-6} y={14} width={width + 12} height={height + 12} rx={14} />
      <rect class="case" x={-12} y={-12} width={width + 24} height={height + 24} rx={14} />
      <rect class="well" x={-4} y={-4} width={width + 8} height={height + 8} rx={8} />
      {ROWS.flatMap((row, r) =>
        row.map((key, i) => {
          const x = row.slice(0, i).reduce((sum, each) => sum + Math.abs(each), 0) * UNIT
          return (
            <Key
              key={`${r} ${i}`}
              x={x}
              y={r * UNIT}
              width={Math.abs(key) * UNIT}
              isBright={key < 0}
              isQuiet={Math.abs(key) !== 1}
            />
          )
        }),
      )}
    </g>
  )
}

function Key({
  x,
  y,
  width,
  isBright,
  isQuiet,
}: {
  x: number
  y: number
  width: number
  isBright: boolean
  isQuiet: boolean
}) {
  const kind = isBright ? 'bright' : isQuiet ? 'quiet' : 'plain'
  return (
    <g class={`key ${kind}`}>
      <rect class="side" x={x + GAP / 2} y={y + GAP / 2} width={width - GAP} height={UNIT - GAP} rx={3.5} />
      <rect
        class="top"
        x={x + GAP / 2 + 1.5}
        y={y + GAP / 2}
        width={width - GAP - 3}
        height={UNIT - GAP - 3.5}
        rx={2.5}
      />
    </g>
  )
}

function Parcel() {
  return (
    <g transform="translate(200 118)">
      <ellipse class="shadow" cx={0} cy={66} rx={92} ry={10} />
      <path class="case" d="M-70-22 0 4l70-26v62L0 68l-70-28z" />
      <path class="well" d="M0 4l70-26v62L0 68z" />
      <path class="lid" d="M-70-22 0-48l70 26L0 4z" />
      <path class="ribbon" d="M-42-32.500 28-6.500 42-11.500-28-38z" />
      <path class="ribbon" d="M28-6.500 42-11.500v62L28 57z" />
      <path class="bow" d="M2-26c-26-30-46-16-34-4 7 7 22 7 34 4zm0 0c26-30 46-16 34-4-7 7-22 7-34 4z" />
    </g>
  )
}

export function Bolt() {
  return (
    <svg class="bolt" viewBox="0 0 32 32" aria-hidden="true">
      <path d="M18.500 3 7 18.500h7L12.500 29 24.500 13h-7z" />
    </svg>
  )
}
