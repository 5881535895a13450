import type { Challenge, TicketView } from '../../core/contracts/opening.ts'
import { type Answer, ask, type Refusal } from '../shared/api.ts'
import { remembered } from '../shared/remembered.ts'
import { createStore, type Store } from '../shared/store.ts'
import { type SaleView, saleClock } from './contract.ts'
import { newKey } from './purchase-key.ts'
import { type SignedIn, signOut } from './session.ts'
import { canSolve, solveChallenge } from './solve-challenge.ts'

/** A ticket and the key of the purchase that it is for; '' is the unnamed one. */
export interface HeldTicket {
  ticket: string
  key: string
}

export interface TicketState {
  /** READY: held. NONE: not due yet, or the sale needs none. */
  phase: 'NONE' | 'FETCHING' | 'WORKING' | 'READY' | 'REFUSED'
  /** Of the work, while it is done; 0 to 1. */
  share: number
  /** Why there is none, and when (by `performance.now()`) to ask again. */
  refusal?: { code: Refusal['code'] | 'NEEDS_HTTPS'; againAtMs: number }
}

export interface Tickets {
  state: Store<TicketState>
  /**
   * Has a ticket fetched when it is due; called again and again.
   * @param openKey of the attempt that the next one repeats, '' for none
   */
  want: (sale: SaleView, openKey: string) => void
  held: () => HeldTicket | undefined
  /** It is used, or was refused. */
  drop: () => void
  close: () => void
}

const MINUTE_MS = 60_000
/** A ticket that ends so soon is fetched anew: the purchase has to arrive first. */
const MARGIN_MS = 5_000
const NONE: TicketState = { phase: 'NONE', share: 0 }
const READY: TicketState = { phase: 'READY', share: 1 }
/** Only a change at the shop could bring another answer. */
const REFUSED_FOR_MS = 60_000
export const FINAL = new Set<string>(['TICKET_REFUSED', 'NOT_ELIGIBLE', 'NEEDS_HTTPS'])

/** One buyer's ticket for their next purchase in one sale: fetched ahead, kept over a reload, the same in all tabs. */
export function createTickets(saleId: string, { token, userId }: SignedIn): Tickets {
  /** As `<ms of its end> <key> <ticket>`. */
  const kept = remembered(`seckill.ticket.${userId}.${saleId}`, (text) => text ?? '')
  const state = createStore<TicketState>(NONE)
  const closing = new AbortController()

  function held(): HeldTicket | undefined {
    const [endsAtMs = '', key = '', ticket = ''] = kept.get().split(' ')
    return Number(endsAtMs) - MARGIN_MS > saleClock.nowMs() ? { ticket, key } : undefined
  }

  function want({ opening, opensAt, closesAt, perBuyerLimit }: SaleView, openKey: string): void {
    const { phase, refusal } = state.get()
    if (phase === 'FETCHING' || phase === 'WORKING') return
    const nowMs = saleClock.nowMs()
    const fromMs = Date.parse(opensAt) - (opening?.ticket?.fromMinutesBefore ?? 0) * MINUTE_MS
    if (!opening?.ticket || nowMs < fromMs || nowMs >= Date.parse(closesAt)) return state.set(NONE)
    const key = held()?.key
    const isFit = perBuyerLimit === 1 ? key === '' : key && (openKey === '' || openKey === key)
    if (isFit) return phase === 'READY' ? undefined : state.set(READY)
    if (refusal && performance.now() < refusal.againAtMs) return
    void fetchTicket(perBuyerLimit === 1 ? '' : openKey || newKey(), opening.proofOfWork !== undefined)
  }

  async function fetchTicket(key: string, withProof: boolean): Promise<void> {
    state.set({ phase: 'FETCHING', share: 0 })
    if (withProof && !canSolve()) return refuse('NEEDS_HTTPS', 0)
    const headers: Record<string, string> = key === '' ? {} : { 'idempotency-key': key }
    const proof = withProof ? await proveWork(headers) : undefined
    const answer =
      proof && !proof.ok
        ? proof
        : await ask<TicketView>(`/sales/${saleId}/tickets`, {
            method: 'POST',
            token,
            headers,
            body: proof ? { proof: proof.body } : {},
          })
    if (closing.signal.aborted) return
    if (!answer.ok) return refuse(answer.refusal.code, answer.refusal.retryAfterMs)
    kept.set(`${Date.parse(answer.body.expiresAt)} ${key} ${answer.body.ticket}`)
    state.set(READY)
  }

  async function proveWork(headers: Record<string, string>): Promise<Answer<string>> {
    const given = await ask<Challenge>(`/sales/${saleId}/challenge`, { token, headers })
    if (!given.ok) return given
    const onShare = (share: number) => state.set({ phase: 'WORKING', share })
    onShare(0)
    try {
      return { ok: true, body: await solveChallenge(given.body, onShare, closing.signal) }
    } catch (error) {
      return { ok: false, refusal: { code: 'INTERNAL', detail: String(error), retryAfterMs: 5_000 } }
    }
  }

  function refuse(code: NonNullable<TicketState['refusal']>['code'], retryAfterMs: number): void {
    if (code === 'UNAUTHENTICATED') signOut()
    const waitMs = FINAL.has(code) ? REFUSED_FOR_MS : retryAfterMs
    state.set({ phase: 'REFUSED', share: 0, refusal: { code, againAtMs: performance.now() + waitMs } })
  }

  return {
    state,
    want,
    held,
    drop() {
      kept.set('')
      state.set(NONE)
    },
    close: () => closing.abort(),
  }
}
