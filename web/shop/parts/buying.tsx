import { useEffect, useMemo, useRef } from 'preact/hooks'
import { useStore } from '../../shared/store.ts'
import { useNow } from '../../shared/use-now.ts'
import { type SaleView, saleClock } from '../contract.ts'
import { createPurchases } from '../purchases.ts'
import { saleStateOf } from '../sales.ts'
import { type SignedIn, signOut } from '../session.ts'
import { createTickets } from '../tickets.ts'
import { useWords } from '../words/words.ts'
import { Advice } from './advice.tsx'
import { BuyPanel } from './buy-panel.tsx'
import { OrderPanel, Said } from './order-panel.tsx'
import { WaitingRoom } from './waiting-room.tsx'

/** The buyer's purchases in this sale, and the button while they may buy. */
export function Buying({ sale, session }: { sale: SaleView; session: SignedIn }) {
  const words = useWords()
  const purchases = useMemo(() => createPurchases(sale.id, session), [sale.id, session.userId])
  useEffect(() => purchases.close, [purchases])
  const tickets = useMemo(() => createTickets(sale.id, session), [sale.id, session.userId])
  useEffect(() => tickets.close, [tickets])
  const { list, held, isFinding, refusal } = useStore(purchases.state)
  const isOver = saleStateOf(sale, useNow(saleClock)) === 'OVER'

  const shown = list.filter(({ state }) => state.get().reservation)
  const limit = sale.perBuyerLimit
  const isSingle = limit === 1 && shown.length <= 1
  const mayBuy = shown.length === 0 || (!isSingle && !isOver && held < limit)
  const panel = (admission?: string) => (
    <BuyPanel
      key={list[0]?.reservationId}
      sale={sale}
      purchases={purchases}
      tickets={tickets}
      left={limit - held}
      {...(admission !== undefined && { admission })}
    />
  )
  const place = useKeptFocus(`${shown.length} ${mayBuy}`)
  return (
    <div class="buying" ref={place} tabIndex={-1}>
      {/* Not atomic: only the purchase that changed is read out. */}
      <p class="unseen" role="status" aria-atomic="false">
        {list.map((purchase) => (
          <span key={purchase.reservationId}>
            <Said purchase={purchase} />
          </span>
        ))}
      </p>
      {refusal?.code === 'KEY_REUSED' && <Advice code={refusal.code} />}
      {!isSingle && shown.length > 0 && <p class="held">{words.held(held, limit)}</p>}
      {shown.map((purchase, i) => (
        <OrderPanel
          key={purchase.reservationId}
          purchase={purchase}
          number={isSingle ? undefined : shown.length - i}
          isNewest={i === 0}
          onHide={() => purchases.hide(purchase.reservationId)}
        />
      ))}
      {isFinding ? (
        <p class="hint">{words.finding}</p>
      ) : (
        mayBuy &&
        (sale.opening?.waitingRoom || sale.opening?.draw ? (
          <WaitingRoom sale={sale} session={session}>
            {(admission) => panel(admission)}
          </WaitingRoom>
        ) : (
          panel()
        ))
      )}
      <p class="soft">
        <span>{words.signedInAs(session.name)}</span>{' '}
        <button class="link" onClick={signOut}>
          {words.signIn.out}
        </button>
      </p>
    </div>
  )
}

/**
 * The pressed button disappears with its panel. Keyboard focus stays here instead of moving to the top of the page.
 */
function useKeptFocus(panels: unknown): { current: HTMLDivElement | null } {
  const place = useRef<HTMLDivElement>(null)
  const before = useRef(panels)
  useEffect(() => {
    if (before.current !== panels && document.activeElement === document.body)
      place.current?.focus({ preventScroll: true })
    before.current = panels
  }, [panels])
  return place
}
