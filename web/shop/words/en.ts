import type { Refusal } from '../../shared/api.ts'
import type { Reason } from '../contract.ts'

/** What a refusal says, and what to do next. */
export interface Advice {
  title: string
  next: string
}

/** Those that a buyer of this page may meet; any other is told like INTERNAL. */
type Refusals = Partial<Record<Refusal['code'], Advice>> & { INTERNAL: Advice }

const refusals: Refusals = {
  NOT_STARTED: { title: 'Not open yet', next: 'The button wakes up by itself when the sale opens. No need to reload.' },
  ENDED: { title: 'This sale is over', next: 'Thank you for coming. Have a look at what else is on.' },
  NOT_ELIGIBLE: {
    title: 'This account cannot take part',
    next: 'Please ask the shop why. Another attempt would be answered the same.',
  },
  SOLD_OUT: {
    title: 'Sold out for now',
    next: 'Unpaid orders give their unit back. Stay here: the button wakes up when one does.',
  },
  RATE_LIMITED: {
    title: 'A little too fast',
    next: 'You can try again in a moment. Pressing faster gives no advantage.',
  },
  BUSY: { title: 'The queue is full', next: 'Nothing was reserved. Try again in a moment.' },
  UNAVAILABLE: {
    title: 'The shop cannot be reached for a moment',
    next: 'If your attempt did arrive, the next one finds it: you never buy twice.',
  },
  OFFLINE: {
    title: 'No connection',
    next: 'Check your network. If your attempt did arrive, the next one finds it: you never buy twice.',
  },
  UNAUTHENTICATED: { title: 'Please sign in again', next: 'Your sign-in has run out. Your order is safe.' },
  INVALID_REQUEST: { title: 'The shop did not take this', next: 'Check the coupon and the points, or leave them out.' },
  NOT_READY: {
    title: 'Not ready to be paid yet',
    next: 'Your coupon and points are still being checked. Try again in a moment.',
  },
  NOT_PAYABLE: { title: 'This order cannot be paid', next: 'It was paid or has ended meanwhile.' },
  NOT_CANCELLABLE: { title: 'This order cannot be cancelled any more', next: 'It was paid or has ended meanwhile.' },
  NOT_FOUND: { title: 'There is nothing here', next: 'It may have ended. Go back to the list.' },
  INTERNAL: { title: 'Something went wrong on our side', next: 'It is noted. Please try again in a moment.' },
}

const reasons: Record<Reason, string> = {
  SOLD_OUT: 'The last unit had gone a blink earlier.',
  EXPIRED: 'The line was too long, and your place in it ran out. Nothing was charged.',
  NOT_ELIGIBLE: 'This account cannot take part in the sale.',
  BUSY: 'The line was full. Nothing was charged.',
  UNPAID: 'It was not paid in time, so the unit went back on sale.',
  BUYER: 'You cancelled it. The unit went back on sale.',
  COUPON_REFUSED: 'The coupon could not be used. Try another one, or none.',
  TOO_FEW_POINTS: 'You do not have that many points. Try with fewer, or none.',
  NOT_COMPLETED: 'Your coupon and points could not be checked in time. Everything was put back.',
  VETOED: 'Our risk control stopped it. What you paid goes back to you.',
}

export const en = {
  brand: 'Seckill',
  loading: 'Looking for what is on sale …',
  nothing: { title: 'Nothing is on sale', next: 'This page looks again by itself.' },
  lost: { title: 'The shop cannot be reached', next: 'This page tries again by itself. What you have bought is safe.' },
  allSales: 'All sales',
  moreSales: 'More sales',
  sales: 'On sale',
  opensIn: 'Opens in',
  endsIn: 'Ends in',
  ended: 'Over',
  days: (days: number) => (days === 1 ? '1 day' : `${days} days`),
  stock: (left: string, total: string) => `${left} of ${total} left`,
  soldOut: 'Sold out',
  perBuyer: (units: number) => (units === 1 ? 'One per person' : `Up to ${units} per person`),
  signIn: {
    title: 'Who is buying?',
    name: 'Your name',
    enter: 'Sign in',
    out: 'Sign out',
    hint: 'A demonstration: any name will do. The same name is the same buyer.',
    elsewhere: 'This shop signs its buyers in elsewhere.',
    bad: "Letters of any language, digits, spaces and . , _ - ' · please, 40 at most.",
  },
  signedInAs: (name: string) => `Signed in as ${name}`,
  buy: 'Buy now',
  buyAgain: 'Buy again',
  buying: 'Asking for yours …',
  finding: 'Looking for your order …',
  notYet: 'Opens soon',
  tryAgain: 'Try again',
  tryAgainIn: (seconds: number) => `Try again in ${seconds} s`,
  extras: {
    title: 'Coupon and points',
    coupon: 'Coupon',
    points: 'Points to spend',
    hint: 'One point is one cent off.',
    badCoupon: 'Letters, digits and - only, 40 at most.',
    badPoints: 'A whole number from 0 to 1,000,000.',
  },
  steps: {
    title: 'Your order',
    got: 'You got it',
    making: 'Your order is being made',
    made: 'Order made',
    checking: 'Checking your coupon and points …',
    pay: 'Pay',
    paid: 'Paid',
    putBack: 'Putting your coupon and points back …',
  },
  says: {
    making: {
      title: 'You got it',
      text: 'A unit is set aside for you, and your order is being made. You may leave this page and come back.',
    },
    checking: { title: 'Your order is made', text: 'Checking your coupon and points. This takes a moment.' },
    toPay: {
      title: 'Your order is waiting',
      text: 'Pay before the time is up. After that the unit goes back on sale.',
    },
    paid: { title: 'Paid. It is yours', text: 'Thank you. There is nothing more to do.' },
    lapsed: 'Your order has ended',
    rejected: 'It did not work out',
    refunded: {
      title: 'Your money goes back',
      text: 'The order was taken back after it was paid. The whole amount is refunded.',
    },
  },
  reasons,
  timeLeft: 'Time left to pay',
  toPay: 'To pay',
  discount: 'With your coupon and points',
  pay: (amount: string) => `Pay ${amount}`,
  openingPayment: 'Opening the payment …',
  cancel: 'Cancel the order',
  orderNumber: 'Order',
  freeAgain: 'You are free to buy again.',
  connection: { polling: 'Live updates are interrupted; this page asks by itself.' },
  refusals,
}
export type Words = typeof en
