import { money } from '../../shared/language.ts'
import type { SaleView } from '../contract.ts'
import { useSession } from '../session.ts'
import { useWords } from '../words/words.ts'
import { Buying } from './buying.tsx'
import { SaleWindow } from './countdown.tsx'
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
          <span class="figures">{money(sale.priceCents, sale.currency)}</span>{' '}
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
