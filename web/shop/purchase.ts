import { comeBackMs } from '../../core/contracts/come-back.ts'
import { ask } from '../shared/api.ts'
import { createStore, type Store } from '../shared/store.ts'
import { attempt, type Attempted } from './attempt.ts'
import { type Order, orderClock, type PaymentView, type Reservation } from './contract.ts'
import { followReservation } from './follow-reservation.ts'
import { phaseOf } from './phase.ts'
import { rememberSale } from './return-to.ts'
import { signOut } from './session.ts'

/** The saga's steps do not change the reservation's status, so they are not pushed. */
const SAGA_POLL_MS = 1_000

export interface PurchaseState extends Attempted {
  /** Undefined until it was read. */
  reservation?: Reservation
  order?: Order
  /** It is being read for the first time. Ends without an answer, too. */
  isFinding: boolean
  /** Changes are pushed; undefined while that is not known, and of a purchase that is polled by intent. */
  isPushed?: boolean | undefined
}

/** One purchase of the buyer, followed until its end. */
export interface Purchase {
  reservationId: string
  state: Store<PurchaseState>
  /** By the event stream, or by polls alone; a second call switches between them. */
  follow: (isStreamed: boolean) => void
  /** Leaves for the payment provider's page. */
  pay: () => Promise<void>
  cancel: () => Promise<void>
  close: () => void
}

export interface PurchaseOptions {
  saleId: string
  reservationId: string
  token: string
  /** What the answer to the purchase said, if this page made it. */
  reservation?: Reservation | undefined
  /** The shop does not know the reservation any more. */
  onLost: () => void
}

export function createPurchase({ saleId, reservationId, token, reservation, onLost }: PurchaseOptions): Purchase {
  const state = createStore<PurchaseState>({ isFinding: !reservation, ...(reservation && { reservation }) })
  const closing = new AbortController()
  let following = new AbortController()
  let isFollowedByStream: boolean | undefined
  /** Polls of the order that were begun. */
  let polls = 0

  const change = (some: Partial<PurchaseState>) => state.set({ ...state.get(), ...some })

  function follow(isStreamed: boolean): void {
    if (isFollowedByStream === isStreamed) return
    isFollowedByStream = isStreamed
    following.abort()
    following = new AbortController()
    change({ isPushed: undefined })
    void followReservation({
      reservationId,
      token,
      isStreamed,
      signal: AbortSignal.any([following.signal, closing.signal]),
      onView: take,
      onPushed: (isPushed) => change({ isPushed }),
      onUnread: () => change({ isFinding: false }),
      onLost: (code) => (code === 'UNAUTHENTICATED' ? signOut() : onLost()),
    })
  }

  function take(view: Reservation): void {
    change({ reservation: view, isFinding: false })
    if (view.orderId) void readOrder(view.orderId)
  }

  /** Only the newest poll goes on: every pushed view begins one, and they would pile up while orders cannot be read. */
  async function readOrder(orderId: string, poll = ++polls, failures = 0): Promise<void> {
    const answer = await ask<Order>(`/orders/${orderId}`, {
      token,
      signal: AbortSignal.any([closing.signal, AbortSignal.timeout(10_000)]),
      clock: orderClock,
    })
    if (closing.signal.aborted) return
    if (answer.ok) change({ order: answer.body })
    const { reservation: latest, order } = state.get()
    if (answer.ok && phaseOf(latest, order) !== 'CHECKING') return
    const failed = answer.ok ? 0 : failures + 1
    const pauseMs = answer.ok ? SAGA_POLL_MS : comeBackMs(failed, Math.max(SAGA_POLL_MS, answer.refusal.retryAfterMs))
    setTimeout(() => {
      if (!closing.signal.aborted && poll === polls) void readOrder(orderId, poll, failed)
    }, pauseMs)
  }

  const postToOrder = <Body>(what: string) =>
    ask<Body>(`/orders/${state.get().reservation?.orderId ?? ''}/${what}`, {
      method: 'POST',
      token,
      body: {},
      clock: orderClock,
    })

  return {
    reservationId,
    state,
    follow,
    async pay() {
      const payment = await attempt(state, 'OPENING_PAYMENT', () => postToOrder<PaymentView>('payments'))
      if (!payment?.ok) return
      rememberSale(saleId)
      location.assign(payment.body.url)
    },
    async cancel() {
      const order = await attempt(state, 'CANCELLING', () => postToOrder<Order>('cancellation'))
      if (order?.ok) change({ order: order.body })
    },
    close: () => closing.abort(),
  }
}
