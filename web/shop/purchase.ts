import { ask, type Refusal } from '../shared/api.ts'
import { remembered } from '../shared/remembered.ts'
import { createStore, type Store } from '../shared/store.ts'
import { type Extras, type Order, orderClock, type PaymentView, type Reservation, saleClock } from './contract.ts'
import { followReservation } from './follow-reservation.ts'
import { phaseOf } from './phase.ts'
import { rememberSale } from './return-to.ts'
import { type SignedIn, signOut } from './session.ts'

/** The saga's steps do not change the reservation's status, so they are not pushed. */
const SAGA_POLL_MS = 1_000

/** The request in flight, which a second press must not repeat. */
type Doing = 'BUYING' | 'OPENING_PAYMENT' | 'CANCELLING'

export interface PurchaseState {
  reservation?: Reservation
  order?: Order
  doing?: Doing
  /** Of the last attempt, and when (by `performance.now()`) the next one makes sense. */
  refusal?: Refusal & { againAtMs: number }
  /** A remembered reservation is being read. Ends without an answer, too: then another press finds it. */
  isFinding?: boolean
  /** Changes are pushed; undefined while that is not known. */
  isPushed?: boolean
}

export interface Purchase {
  state: Store<PurchaseState>
  buy: (extras: Extras) => Promise<void>
  /** Leaves for the payment provider's page. */
  pay: () => Promise<void>
  cancel: () => Promise<void>
  /** Puts an ended purchase aside. */
  again: () => void
  close: () => void
}

const stores = new Map<string, Store<string>>()

/** One for each key, since each listens to the other tabs for as long as the page lives. */
function storeOf(key: string): Store<string> {
  const store = stores.get(key) ?? remembered(key, (kept) => kept ?? '')
  stores.set(key, store)
  return store
}

/** One buyer's purchase in one sale: found again after a reload, the same in all tabs. */
export function createPurchase(saleId: string, { token, userId }: SignedIn): Purchase {
  const state = createStore<PurchaseState>({})
  const rememberedId = storeOf(`seckill.reservation.${userId}.${saleId}`)
  let following = new AbortController()
  /** Polls of the order that were begun. */
  let polls = 0

  const change = (some: PurchaseState) => state.set({ ...state.get(), ...some })
  const without = (...names: (keyof PurchaseState)[]) =>
    state.set(
      Object.fromEntries(Object.entries(state.get()).filter(([name]) => !names.includes(name as keyof PurchaseState))),
    )

  function follow(reservationId: string): void {
    following.abort()
    following = new AbortController()
    const { signal } = following
    if (state.get().reservation?.id !== reservationId) without('reservation', 'order', 'isPushed', 'isFinding')
    if (reservationId === '') return
    if (!state.get().reservation) change({ isFinding: true })
    void followReservation({
      reservationId,
      token,
      signal,
      onView: (reservation) => take(reservation, signal),
      onPushed: (isPushed) => change(isPushed ? { isPushed } : { isPushed, isFinding: false }),
      onLost: (code) => (code === 'UNAUTHENTICATED' ? signOut() : rememberedId.set('')),
    })
  }

  function take(reservation: Reservation, signal: AbortSignal): void {
    change({ reservation, isFinding: false })
    if (reservation.orderId) void readOrder(reservation.orderId, signal)
  }

  /** Only the newest poll goes on: every pushed view begins one, and they would pile up while orders cannot be read. */
  async function readOrder(orderId: string, signal: AbortSignal, poll = ++polls): Promise<void> {
    const answer = await ask<Order>(`/orders/${orderId}`, {
      token,
      signal: AbortSignal.any([signal, AbortSignal.timeout(10_000)]),
      clock: orderClock,
    })
    if (signal.aborted) return
    if (answer.ok) change({ order: answer.body })
    const { reservation, order } = state.get()
    const phase = phaseOf(reservation, order)
    if (answer.ok && phase !== 'CHECKING') return
    const pauseMs = answer.ok ? SAGA_POLL_MS : Math.max(SAGA_POLL_MS, answer.refusal.retryAfterMs)
    setTimeout(() => {
      if (!signal.aborted && poll === polls) void readOrder(orderId, signal, poll)
    }, pauseMs)
  }

  /** One at a time; its refusal stays to be seen until the next attempt. */
  async function attempt<Body>(doing: Doing, path: string, body: object): Promise<Body | undefined> {
    if (state.get().doing) return undefined
    without('refusal')
    change({ doing })
    const answer = await ask<Body>(path, {
      method: 'POST',
      token,
      body,
      clock: doing === 'BUYING' ? saleClock : orderClock,
    })
    without('doing')
    if (answer.ok) return answer.body
    if (answer.refusal.code === 'UNAUTHENTICATED') signOut()
    change({ refusal: { ...answer.refusal, againAtMs: performance.now() + answer.refusal.retryAfterMs } })
    return undefined
  }

  const orderPath = (what: string) => `/orders/${state.get().reservation?.orderId ?? ''}/${what}`
  const stopWatching = rememberedId.watch(follow)
  follow(rememberedId.get())

  return {
    state,
    async buy(extras) {
      const reservation = await attempt<Reservation>('BUYING', `/sales/${saleId}/reservations`, extras)
      if (!reservation) return
      change({ reservation })
      rememberedId.set(reservation.id)
    },
    async pay() {
      const payment = await attempt<PaymentView>('OPENING_PAYMENT', orderPath('payments'), {})
      if (!payment) return
      rememberSale(saleId)
      location.assign(payment.url)
    },
    async cancel() {
      const order = await attempt<Order>('CANCELLING', orderPath('cancellation'), {})
      if (order) change({ order })
    },
    again() {
      without('refusal')
      rememberedId.set('')
    },
    close() {
      following.abort()
      stopWatching()
    },
  }
}
