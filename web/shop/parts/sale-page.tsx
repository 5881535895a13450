import { useEffect, useMemo, useRef } from 'preact/hooks'
import { money } from '../../shared/language.ts'
import { useStore } from '../../shared/store.ts'
import type { SaleView } from '../contract.ts'
import { createPurchase } from '../purchase.ts'
import { type SignedIn, signOut, useSession } from '../session.ts'
import { useWords } from '../words/words.ts'
import { BuyPanel } from './buy-panel.tsx'
import { SaleWindow } from './countdown.tsx'
import { OrderPanel, Said } from './order-panel.tsx'
import { Picture } from './picture.tsx'
import { SignIn } from './sign-in.tsx'
import { StockBar } from './stock-bar.tsx'

export function SalePage({ sale }: { sale: SaleView }) {
  const words = useWords()
  const session = useSession()
  return (
    <main class="sale">
      <Picture title={sale.title} />
      <div class="offer">
        <h1>{sale.title}</h1>
        <p class="price">
          <span class="figures">{money(sale.priceCents)}</span>{' '}
          <span class="soft">{words.perBuyer(sale.perBuyerLimit)}</span>
        </p>
        <div class="facts">
          <StockBar sale={sale} />
          <SaleWindow sale={sale} />
        </div>
        {session ? <Buying key={`${sale.id} ${session.userId}`} sale={sale} session={session} /> : <SignIn />}
      </div>
    </main>
  )
}

function Buying({ sale, session }: { sale: SaleView; session: SignedIn }) {
  const words = useWords()
  const purchase = useMemo(() => createPurchase(sale.id, session), [sale.id, session.userId])
  useEffect(() => purchase.close, [purchase])
  const { reservation, isFinding } = useStore(purchase.state)
  const place = useKeptFocus(reservation !== undefined)
  return (
    <div class="buying" ref={place} tabIndex={-1}>
      <p class="unseen" role="status">
        <Said purchase={purchase} />
      </p>
      {reservation ? (
        <OrderPanel purchase={purchase} />
      ) : isFinding ? (
        <p class="hint">{words.finding}</p>
      ) : (
        <BuyPanel sale={sale} purchase={purchase} />
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
function useKeptFocus(panel: unknown): { current: HTMLDivElement | null } {
  const place = useRef<HTMLDivElement>(null)
  const before = useRef(panel)
  useEffect(() => {
    if (before.current !== panel && document.activeElement === document.body)
      place.current?.focus({ preventScroll: true })
    before.current = panel
  }, [panel])
  return place
}
