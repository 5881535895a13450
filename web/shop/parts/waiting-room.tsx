import { type ComponentChildren } from 'preact'
import { useEffect, useMemo } from 'preact/hooks'
import type { PlaceView } from '../../../core/contracts/places.ts'
import { number } from '../../shared/language.ts'
import { useStore } from '../../shared/store.ts'
import { useNow } from '../../shared/use-now.ts'
import { type SaleView, saleClock } from '../contract.ts'
import { createPlace, type PlaceState, roundedAhead } from '../place.ts'
import { type SaleState, saleStateOf } from '../sales.ts'
import type { SignedIn } from '../session.ts'
import type { Words } from '../words/en.ts'
import { useWords } from '../words/words.ts'
import { Advice } from './advice.tsx'
import { Countdown } from './countdown.tsx'

interface WaitingRoomProps {
  sale: SaleView
  session: SignedIn
  /** What an admitted buyer sees. */
  children: (admission: string) => ComponentChildren
}

/** The way to the one button: a place in line, until the buyer is admitted. */
export function WaitingRoom({ sale, session, children }: WaitingRoomProps) {
  const shared = useWords()
  const isDraw = sale.opening?.draw !== undefined
  const words = { ...shared, line: isDraw ? { ...shared.line, ...shared.line.draw } : shared.line }
  const waiting = useMemo(() => createPlace(sale.id, session), [sale.id, session.userId])
  useEffect(() => waiting.close, [waiting])
  const state = useStore(waiting.state)
  const saleState = saleStateOf(sale, useNow(saleClock))
  const { place, isWanted, isPassed, isPushed, refusal } = state
  const admission = place?.admission
  if (saleState === 'OVER') return <Advice code="ENDED" />
  const { title, text } = sayingOf(words, state, saleState)
  const mayJoin = !isWanted && (!isDraw || saleState === 'SOON')
  return (
    <section class="waiting" aria-label={words.line.title}>
      <p class="unseen" role="status">
        {title} {place?.ahead !== undefined && aheadText(words, place.ahead)}
      </p>
      <div class="saying">
        <h2>{title}</h2>
        {place?.state === 'WAITING' && <Queue place={place} isEstimated={!isDraw} />}
        <p>
          {place?.isMember === true && words.line.members} {text}
        </p>
      </div>
      {mayJoin && (
        <button class="button big" onClick={waiting.join}>
          {isPassed ? words.line.again : saleState === 'SOON' ? words.line.register : words.line.join}
        </button>
      )}
      {place?.admittedUntil !== undefined && (
        <Countdown until={place.admittedUntil} clock={saleClock} label={words.line.timeLeft} />
      )}
      {admission !== undefined && children(admission)}
      {refusal && <Advice code={refusal.code} />}
      <p class="soft number">
        {place?.number !== undefined && <span>{words.line.number(place.number)}</span>}
        <span aria-live="polite">{isWanted && isPushed === false && words.connection.polling}</span>
      </p>
    </section>
  )
}

function aheadText({ line: words }: Words, ahead: number): string {
  const rounded = roundedAhead(ahead)
  return rounded === 0 ? words.next : words.ahead(number(rounded))
}

/** Figures that change with every event: not read out, since the status above is, in larger steps. */
function Queue({ place, isEstimated }: { place: PlaceView; isEstimated: boolean }) {
  const { line: words } = useWords()
  const { ahead = 0, waitSeconds } = place
  return (
    <p class="ahead">
      {ahead === 0 ? (
        <strong>{words.next}</strong>
      ) : (
        <>
          <span class="figures">{number(ahead)}</span> <span class="soft">{words.people(ahead)}</span>
        </>
      )}
      {isEstimated && (
        <span class="soft">{waitSeconds === undefined ? words.noEstimate : words.wait(waitSeconds)}</span>
      )}
    </p>
  )
}

function sayingOf(
  { line: words }: Words,
  { place, isWanted, isPassed, isRestarted }: PlaceState,
  saleState: SaleState,
): { title: string; text: string } {
  if (place?.state === 'ADMITTED') return words.admitted
  if (isRestarted) return words.restarted
  if (place?.state === 'REGISTERED')
    return { title: words.registered.title, text: words.registered.text(number(place.registered ?? 1)) }
  if (place?.state === 'WAITING')
    return { title: words.waiting.title, text: saleState === 'SOLD_OUT' ? words.soldOut : words.waiting.text }
  if (isWanted) return words.asking
  if (isPassed) return words.passed
  return saleState === 'SOON' ? words.early : words.late
}
