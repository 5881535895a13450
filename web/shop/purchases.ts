import { ADMISSION_HEADER, TICKET_HEADER } from '../../core/contracts/ticket-header.ts'
import { ask, type Refusal } from '../shared/api.ts'
import { remembered } from '../shared/remembered.ts'
import { createStore, type Store } from '../shared/store.ts'
import { attempt, type Attempted } from './attempt.ts'
import { type PurchaseRequest, type Reservation, saleClock } from './contract.ts'
import { isEnded, phaseOf } from './phase.ts'
import { newKey } from './purchase-key.ts'
import { createPurchase, type Purchase } from './purchase.ts'
import type { SignedIn } from './session.ts'
import type { HeldTicket } from './tickets.ts'

/** The attempt may have arrived and reserved units. */
const LEAVES_UNSURE = new Set<Refusal['code']>(['UNAVAILABLE', 'OFFLINE', 'INTERNAL'])
/** Is answered only after the shop has looked for a purchase under the same key. */
const FINDS_NONE = new Set<Refusal['code']>(['SOLD_OUT', 'LIMIT_REACHED'])

export interface PurchasesState extends Attempted {
  /** The newest first. */
  list: Purchase[]
  /** Units in purchases that have not ended. */
  held: number
  /** A remembered purchase is being read. */
  isFinding: boolean
  /** An attempt to buy got no answer: the next one repeats it. */
  isUnsure: boolean
}

export interface Purchases {
  state: Store<PurchasesState>
  /**
   * A limit of more than one lets the buyer have several, so that each needs a key of its own. @returns why it was
   * refused
   */
  buy: (
    request: PurchaseRequest,
    limitPerBuyer: number,
    ticket?: HeldTicket,
    admission?: string,
  ) => Promise<Refusal['code'] | undefined>
  /** Of the attempt that the next one repeats, '' for none. */
  openKey: () => string
  /** Takes an ended purchase off the page. */
  hide: (reservationId: string) => void
  close: () => void
}

const stores = new Map<string, Store<string>>()

/** One for each key, since each listens to the other tabs for as long as the page lives. */
function storeOf(key: string): Store<string> {
  const store = stores.get(key) ?? remembered(key, (kept) => kept ?? '')
  stores.set(key, store)
  return store
}

const reservationsKey = (saleId: string, userId: string) => `seckill.reservations.${userId}.${saleId}`
/** Ids of reservations, the newest first, separated by blanks. */
const idsIn = (text: string) => text.split(' ').filter((id) => id !== '')

/** Shows a purchase on its sale's page that was made on another device. */
export function rememberPurchase(saleId: string, userId: string, reservationId: string): void {
  const store = storeOf(reservationsKey(saleId, userId))
  store.set([...new Set([...idsIn(store.get()), reservationId])].join(' '))
}

/** One buyer's purchases in one sale: found again after a reload, the same in all tabs. */
export function createPurchases(saleId: string, { token, userId }: SignedIn): Purchases {
  const rememberedIds = storeOf(reservationsKey(saleId, userId))
  /** The key of an attempt whose answer is not known; it outlives the page, so that the next attempt repeats it. */
  const openKey = storeOf(`seckill.attempt.${userId}.${saleId}`)
  const state = createStore<PurchasesState>({ list: [], held: 0, isFinding: false, isUnsure: openKey.get() !== '' })

  const change = (some: Partial<PurchasesState>) => state.set({ ...state.get(), ...some })
  const hide = (reservationId: string) =>
    rememberedIds.set(
      idsIn(rememberedIds.get())
        .filter((id) => id !== reservationId)
        .join(' '),
    )

  function purchaseOf(reservationId: string, reservation?: Reservation): Purchase {
    const purchase = createPurchase({ saleId, reservationId, token, reservation, onLost: () => hide(reservationId) })
    purchase.state.watch(addUp)
    return purchase
  }

  function addUp(): void {
    const views = state.get().list.map((purchase) => purchase.state.get())
    const live = views.filter(({ reservation, order }) => !isEnded(phaseOf(reservation, order)))
    change({
      held: live.reduce((units, { reservation }) => units + (reservation?.quantity ?? 0), 0),
      isFinding: views.some(({ isFinding }) => isFinding),
    })
  }

  /** Only the newest has a stream: a browser has six connections to one origin. */
  function show(ids: string): void {
    const before = state.get().list
    const list = idsIn(ids).map((id) => before.find(({ reservationId }) => reservationId === id) ?? purchaseOf(id))
    for (const purchase of before) if (!list.includes(purchase)) purchase.close()
    change({ list })
    for (const [i, purchase] of list.entries()) purchase.follow(i === 0)
    addUp()
  }

  function hold(reservation: Reservation): void {
    const { list } = state.get()
    if (list.some(({ reservationId }) => reservationId === reservation.id)) return
    change({ list: [purchaseOf(reservation.id, reservation), ...list] })
    rememberedIds.set([reservation.id, ...idsIn(rememberedIds.get())].join(' '))
  }

  const stopWatchingKey = openKey.watch((key) => change({ isUnsure: key !== '' }))
  const stopWatchingIds = rememberedIds.watch(show)
  show(rememberedIds.get())

  return {
    state,
    async buy(request, limitPerBuyer, ticket, admission) {
      if (state.get().doing) return undefined
      const isRepeat = openKey.get() !== ''
      if (!isRepeat) openKey.set(ticket?.key || newKey())
      const key = openKey.get()
      const answer = await attempt(state, 'BUYING', () =>
        ask<Reservation>(`/sales/${saleId}/reservations`, {
          method: 'POST',
          token,
          body: request,
          clock: saleClock,
          headers: {
            // Without a key a buyer's requests are one purchase, so that another browser of theirs finds the only one.
            ...(limitPerBuyer > 1 && { 'idempotency-key': key }),
            ...(ticket && { [TICKET_HEADER]: ticket.ticket }),
            ...(admission !== undefined && { [ADMISSION_HEADER]: admission }),
          },
        }),
      )
      if (!answer) return undefined
      const found = answer.ok ? answer.body : answer.refusal.reservation
      if (found) hold(found)
      const isSettled = found || answer.ok || settles(answer.refusal.code, isRepeat)
      // Another tab may have settled it and begun the next.
      if (isSettled && openKey.get() === key) openKey.set('')
      return answer.ok ? undefined : answer.refusal.code
    },
    openKey: openKey.get,
    hide,
    close() {
      stopWatchingKey()
      stopWatchingIds()
      for (const purchase of state.get().list) purchase.close()
    },
  }
}

/** Whether no purchase exists under the attempt's key; a repeat that was refused says nothing about the first. */
const settles = (code: Refusal['code'], isRepeat: boolean) =>
  FINDS_NONE.has(code) || (!isRepeat && !LEAVES_UNSURE.has(code))
