import { useEffect, useState } from 'preact/hooks'
import { SettingsBar } from '../shared/settings-bar.tsx'
import type { SaleView } from './contract.ts'
import { OWN_PURCHASES, OwnPurchases } from './parts/own-purchases.tsx'
import { SaleList } from './parts/sale-list.tsx'
import { SalePage } from './parts/sale-page.tsx'
import { chosenOf, saleInAddress, useSales } from './sales.ts'
import { useSession } from './session.ts'
import { useWords } from './words/words.ts'

const ICON = new URL('../shared/icon.svg', import.meta.url).href

export function App() {
  const session = useSession()
  const { sales, hasMore, isLost } = useSales(session?.token)
  const words = useWords()
  const [address, setAddress] = useState(location.hash)
  const saleId = saleInAddress()
  const isOwn = address === OWN_PURCHASES
  useEffect(() => {
    document.title = words.brand
  }, [words])
  useEffect(() => {
    const follow = () => setAddress(location.hash)
    // It may have changed between the drawing and this.
    follow()
    addEventListener('hashchange', follow)
    return () => removeEventListener('hashchange', follow)
  }, [])
  return (
    <>
      <Top
        hasList={isOwn || (sales !== undefined && sales.length > 1 && saleId !== '')}
        hasOwn={session !== undefined && !isOwn}
      />
      <p class="lost" role="status">
        {isLost && (
          <>
            <strong>{words.lost.title}</strong> {words.lost.next}
          </>
        )}
      </p>
      {isOwn ? <OwnPurchases /> : <Middle sales={sales} hasMore={hasMore} saleId={saleId} />}
    </>
  )
}

function Top({ hasList, hasOwn }: { hasList: boolean; hasOwn: boolean }) {
  const words = useWords()
  return (
    <header class="top">
      <a class="brand" href="#/">
        <img src={ICON} alt="" />
        {words.brand}
      </a>
      <nav>
        {hasList && <a href="#/">{words.allSales}</a>}
        {hasOwn && <a href={OWN_PURCHASES}>{words.own.title}</a>}
      </nav>
      <SettingsBar />
    </header>
  )
}

function Middle({ sales, hasMore, saleId }: { sales: SaleView[] | undefined; hasMore: boolean; saleId: string }) {
  const words = useWords()
  const chosen = sales && chosenOf(sales, saleId)
  if (chosen) return <SalePage sale={chosen} />
  if (sales && sales.length > 0) return <SaleList sales={sales} hasMore={hasMore} />
  return (
    <main class="empty">
      <h1>{sales ? words.nothing.title : words.loading}</h1>
      {sales && <p>{words.nothing.next}</p>}
    </main>
  )
}
