import { useEffect, useState } from 'preact/hooks'
import type { OwnReservation, OwnReservations } from '../../../core/contracts/purchases.ts'
import { ask, type Refusal } from '../../shared/api.ts'
import { moment } from '../../shared/language.ts'
import { rememberPurchase } from '../purchases.ts'
import { type SignedIn, signOut, useSession } from '../session.ts'
import { useWords } from '../words/words.ts'
import { Advice } from './advice.tsx'
import { SignIn } from './sign-in.tsx'

/** The address of this page; no sale's id has a slash. */
export const OWN_PURCHASES = '#/my/purchases'

/** What the buyer has bought, on any device. */
export function OwnPurchases() {
  const words = useWords()
  const session = useSession()
  return (
    <main class="own">
      <h1>{words.own.title}</h1>
      {session ? <OwnList key={session.userId} session={session} /> : <SignIn />}
    </main>
  )
}

/** Asked for when the buyer comes here, and not on every sale's page: a rush of visitors must not ask the database. */
function OwnList({ session }: { session: SignedIn }) {
  const { own: words, signedInAs, signIn } = useWords()
  const [pages, setPages] = useState<OwnReservations[]>([])
  const [refusal, setRefusal] = useState<Refusal>()
  const read = async (cursor?: string) => {
    const path = cursor === undefined ? '/me/reservations?limit=20' : `/me/reservations?limit=20&cursor=${cursor}`
    const answer = await ask<OwnReservations>(path, { token: session.token })
    setRefusal(answer.ok ? undefined : answer.refusal)
    if (answer.ok) setPages((before) => (cursor === undefined ? [answer.body] : [...before, answer.body]))
  }
  useEffect(() => void read(), [])
  const next = pages.at(-1)?.next
  const list = pages.flatMap(({ reservations }) => reservations)
  return (
    <>
      {pages.length > 0 && list.length === 0 && <p class="hint">{words.none}</p>}
      <ul>
        {list.map((each) => (
          <OwnPurchase key={each.id} reservation={each} userId={session.userId} />
        ))}
      </ul>
      {pages[0]?.isComplete === false && <p class="hint">{words.mayBeMissing}</p>}
      {refusal && <Advice code={refusal.code} />}
      <p class="more">
        {next !== undefined && (
          <button class="link" onClick={() => void read(next)}>
            {words.more}
          </button>
        )}
        <button class="link" onClick={() => void read()}>
          {words.again}
        </button>
      </p>
      <p class="soft">
        <span>{signedInAs(session.name)}</span>{' '}
        <button class="link" onClick={signOut}>
          {signIn.out}
        </button>
      </p>
    </>
  )
}

const LIVE = new Set<OwnReservation['status']>(['RESERVED', 'ORDERED', 'PAID'])

function OwnPurchase({ reservation, userId }: { reservation: OwnReservation; userId: string }) {
  const { own: words, units, reasons } = useWords()
  const { id, saleId, title = saleId, quantity, status, reason, reservedAt } = reservation
  return (
    <li data-reservation={id} data-status={status}>
      <a
        href={`#/${saleId}`}
        onClick={() => {
          if (LIVE.has(status)) rememberPurchase(saleId, userId, id)
        }}
      >
        {title}
      </a>
      <span class={`status ${status.toLowerCase()}`}>{words.status[status]}</span>
      <span class="soft figures">
        {units(quantity)}, <time dateTime={reservedAt}>{moment(reservedAt, true)}</time>
        {reason && <> · {reasons[reason]}</>}
      </span>
    </li>
  )
}
