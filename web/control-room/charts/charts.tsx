import { type LiveFrame, type LiveSale, REQUEST_GROUPS } from '../../../core/contracts/control-room.ts'
import { useFrames } from '../live.ts'
import { useShownSale } from '../sale-choice.ts'
import { useWords } from '../words/words.ts'
import { Figure, shown } from './figure.tsx'
import { highest, latest, type Line, roundTop } from './lines.ts'

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

  const groups = REQUEST_GROUPS.map((group) => ({
    id: group,
    name: words.groups[group],
    values: line(({ requests }) => requests?.[group]),
  }))
  const asked = line(({ requests }) => requests && sum(REQUEST_GROUPS.map((group) => requests[group])))
  const ordered = line(({ ledger }) => ledger?.orderedPerSecond)
  const waiting = line(({ sales }) => sales && sum(sales.map(({ undecided }) => undecided)))
  const pending = line(({ sales }) => sales && sum(sales.map((each) => each.pending)))
  const writes = line(({ ledger }) => ledger?.writesPerSecond)
  const left = ofSale((found) => found.left)
  const leftNow = latest(left)
  const fates = FATES.map((fate) => ({
    id: fate,
    name: words.fates[fate],
    values: line(({ orders }) => sale && orders && (orders.find(({ saleId }) => saleId === sale.saleId)?.[fate] ?? 0)),
  }))
  const common = { times: frames.map(({ atMs }) => atMs / 1_000), marks: deaths(frames) }
  // One scale for what comes in and what goes out: the difference between them is the picture.
  const rateTop = roundTop([asked, ordered], LEAST_TOP)
  const { queues, ledger } = frames.at(-1) ?? {}

  return (
    <section class="charts" aria-label={words.charts.all}>
      <Figure
        {...common}
        id="requests"
        unit={words.perSecond}
        total={latest(asked)}
        series={groups}
        isStacked
        top={rateTop}
        others={[[words.most, highest(asked)]]}
      />
      <Figure
        {...common}
        id="waiting"
        unit={words.reservations}
        total={latest(waiting)}
        series={[{ id: 'waiting', name: words.undecided, values: waiting }]}
        top={roundTop([waiting], LEAST_TOP)}
        others={[
          [words.most, highest(waiting)],
          [words.messages, queues?.intake ?? null],
          [words.pending, latest(pending)],
        ]}
      />
      <Figure
        {...common}
        id="orders"
        unit={words.perSecond}
        total={latest(ordered)}
        series={[{ id: 'ordered', name: words.ordered, values: ordered }]}
        top={rateTop}
        others={[[words.most, highest(ordered)]]}
      />
      <Figure
        {...common}
        id="stock"
        unit={sale ? words.of(shown(sale.stock)) : ''}
        total={leftNow}
        series={[{ id: 'stock', name: words.left, values: left }]}
        top={Math.max(LEAST_TOP, sale?.stock ?? 0)}
        others={[[words.taken, sale && leftNow !== null ? sale.stock - leftNow : null]]}
      />
      <Figure
        {...common}
        id="fates"
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
        id="writes"
        unit={words.perSecond}
        total={latest(writes)}
        series={[{ id: 'writes', name: words.rows, values: writes }]}
        top={roundTop([writes], LEAST_TOP)}
        others={[[words.outbox, ledger?.outbox ?? null]]}
      />
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
  const running = (frame: LiveFrame | undefined) =>
    frame?.processes?.filter(({ state }) => state === 'RUNNING').map(({ name }) => name) ?? []
  return frames
    .filter((frame, at) => {
      const now = running(frame)
      return frame.processes && running(frames[at - 1]).some((name) => !now.includes(name))
    })
    .map(({ atMs }) => atMs / 1_000)
}
