import { GROUPS, type LiveFrame, type LiveSale, type RequestGroup } from '../contract.ts'
import { useFrames } from '../live.ts'
import { useShownSale } from '../sale-choice.ts'
import { useWords } from '../words/words.ts'
import type { Colour } from './colours.ts'
import { Figure, shown } from './figure.tsx'
import { highest, latest, type Line, roundTop } from './lines.ts'

const COLOURS: Record<RequestGroup, Colour> = {
  accepted: 'accepted',
  repeated: 'repeated',
  soldOut: 'sold-out',
  limited: 'limited',
  busy: 'busy',
  other: 'other',
}
const FATES = ['unpaid', 'paid', 'cancelled', 'refunded'] as const
/** Below that, a single buyer would fill the picture. */
const LEAST_TOP = 10

/** The peak, the queue, and the steady drain below one another, on one clock; beside them what becomes of the stock. */
export function Charts() {
  const words = useWords()
  const frames = useFrames()
  const sale = useShownSale()
  const line = (read: (frame: LiveFrame) => number | null | undefined): Line =>
    frames.map((frame) => read(frame) ?? null)
  const ofSale = (read: (sale: LiveSale) => number) =>
    line(({ sales }) => {
      const found = sales?.find(({ saleId }) => saleId === sale?.saleId)
      return found && read(found)
    })

  const groups = GROUPS.map((group) => ({
    colour: COLOURS[group],
    name: words.groups[group],
    values: line(({ requests }) => requests?.[group]),
  }))
  const asked = line(({ requests }) => requests && sum(GROUPS.map((group) => requests[group])))
  const ordered = line(({ ledger }) => ledger?.orderedPerSecond)
  const waiting = line(({ sales }) => sales && sum(sales.map(({ undecided }) => undecided)))
  const pending = line(({ sales }) => sales && sum(sales.map((each) => each.pending)))
  const writes = line(({ ledger }) => ledger?.writesPerSecond)
  const left = ofSale((found) => found.left)
  const leftNow = latest(left)
  const fates = FATES.map((fate) => ({
    colour: fate,
    name: words.fates[fate],
    values: line(({ orders }) => sale && orders && (orders.find(({ saleId }) => saleId === sale.saleId)?.[fate] ?? 0)),
  }))
  const common = { times: frames.map(({ atMs }) => atMs / 1_000), marks: deaths(frames) }
  // One scale for what comes in and what goes out: the difference between them is the picture.
  const rateTop = roundTop([asked, ordered], LEAST_TOP)
  const { queues } = frames.at(-1) ?? {}

  return (
    <section class="charts" aria-label={words.charts.all}>
      <Figure
        {...common}
        id="requests"
        isMain
        title={words.charts.requests}
        unit={words.perSecond}
        total={latest(asked)}
        series={groups}
        isStacked
        top={rateTop}
      >
        <div>
          <dt>{words.most}</dt>
          <dd>{shown(highest(asked))}</dd>
        </div>
      </Figure>
      <Figure
        {...common}
        id="stock"
        title={words.charts.stock}
        unit={sale ? words.of(shown(sale.stock)) : ''}
        total={leftNow}
        series={[{ colour: 'stock', name: words.left, values: left }]}
        top={Math.max(LEAST_TOP, sale?.stock ?? 0)}
      >
        <div>
          <dt>{words.taken}</dt>
          <dd>{shown(sale && leftNow !== null ? sale.stock - leftNow : null)}</dd>
        </div>
      </Figure>
      <Figure
        {...common}
        id="waiting"
        isMain
        title={words.charts.waiting}
        unit={words.reservations}
        total={latest(waiting)}
        series={[{ colour: 'waiting', name: words.undecided, values: waiting }]}
        top={roundTop([waiting], LEAST_TOP)}
      >
        <div>
          <dt>{words.most}</dt>
          <dd>{shown(highest(waiting))}</dd>
        </div>
        <div>
          <dt>{words.messages}</dt>
          <dd>{shown(queues?.intake ?? null)}</dd>
        </div>
        <div>
          <dt>{words.pending}</dt>
          <dd>{shown(latest(pending))}</dd>
        </div>
      </Figure>
      <Figure
        {...common}
        id="fates"
        title={words.charts.fates}
        unit={words.orders}
        total={total(fates)}
        series={fates}
        top={roundTop(
          fates.map(({ values }) => values),
          LEAST_TOP,
        )}
      />
      <Figure
        {...common}
        id="orders"
        isMain
        title={words.charts.orders}
        unit={words.perSecond}
        total={latest(ordered)}
        series={[{ colour: 'ordered', name: words.ordered, values: ordered }]}
        top={rateTop}
      >
        <div>
          <dt>{words.most}</dt>
          <dd>{shown(highest(ordered))}</dd>
        </div>
      </Figure>
      <Figure
        {...common}
        id="writes"
        title={words.charts.writes}
        unit={words.perSecond}
        total={latest(writes)}
        series={[{ colour: 'writes', name: words.rows, values: writes }]}
        top={roundTop([writes], LEAST_TOP)}
      >
        <div>
          <dt>{words.outbox}</dt>
          <dd>{shown(frames.at(-1)?.ledger?.outbox ?? null)}</dd>
        </div>
      </Figure>
    </section>
  )
}

const sum = (values: number[]) => values.reduce((one, other) => one + other, 0)

function total(lines: { values: Line }[]): number | null {
  const values = lines.map(({ values }) => latest(values))
  return values.every((value) => value !== null) ? sum(values) : null
}

/** When a process went down, in seconds since 1970. */
function deaths(frames: LiveFrame[]): number[] {
  const isDown = (frame: LiveFrame | undefined, name: string) =>
    frame?.processes?.find((each) => each.name === name)?.state !== 'RUNNING'
  return frames.flatMap((frame, at) =>
    (frame.processes ?? []).some(
      ({ name }) => isDown(frame, name) && frames[at - 1]?.processes && !isDown(frames[at - 1], name),
    )
      ? [frame.atMs / 1_000]
      : [],
  )
}
