import { BRAND } from '../../../core/contracts/brand.ts'
import type { Refusal } from '../../shared/api.ts'
import type { Reason } from '../contract.ts'

/** What a refusal says, and what to do next. */
export interface Advice {
  title: string
  next: string
}

/** UNANSWERED is an attempt of an earlier visit; without HTTPS a browser computes no proof of work. */
export type AdviceCode = Refusal['code'] | 'UNANSWERED' | 'NEEDS_HTTPS'
/** Those that a buyer of this page may meet; all others read as INTERNAL. */
type Refusals = Partial<Record<AdviceCode, Advice>> & { INTERNAL: Advice }

const NOT_ADMITTED = {
  title: 'It is not your turn',
  next: 'This sale has a waiting room. Join the line; the button is enabled when you are admitted.',
}

const refusals: Refusals = {
  ADMISSION_REQUIRED: NOT_ADMITTED,
  ADMISSION_INVALID: NOT_ADMITTED,
  ADMISSION_OF_ANOTHER: NOT_ADMITTED,
  ADMISSION_EXPIRED: NOT_ADMITTED,
  ADMISSION_USED: {
    title: 'Your order has ended',
    next: 'In a draw its unit goes to the next, and you cannot buy again.',
  },
  REGISTRATION_CLOSED: {
    title: 'Registration is closed',
    next: 'Only those who registered before the opening take part in this draw.',
  },
  NOT_STARTED: { title: 'Not open yet', next: 'The button is enabled when the sale opens. No need to reload.' },
  ENDED: { title: 'This sale is over', next: 'See what else is on sale.' },
  STOPPED: {
    title: 'The shop has stopped this sale for the moment',
    next: 'What you hold is safe. Stay here: the button is enabled when the sale goes on.',
  },
  NOT_ELIGIBLE: {
    title: 'This account cannot take part',
    next: 'Ask the shop for the reason. Another attempt gets the same answer.',
  },
  TICKET_REFUSED: {
    title: 'No ticket for this account',
    next:
      'Many accounts have asked from your network, or earlier orders were not paid. ' +
      'Try another network, or ask the shop.',
  },
  TICKET_REQUIRED: { title: 'This sale now needs a ticket', next: 'This page is fetching one. Then press again.' },
  TICKET_INVALID: { title: 'Your ticket was not accepted', next: 'This page is fetching a new one. Then press again.' },
  TICKET_OF_ANOTHER: {
    title: 'Your ticket was for another purchase',
    next: 'This page is fetching a new one. Then press again.',
  },
  TICKET_EXPIRED: { title: 'Your ticket has expired', next: 'This page is fetching a new one. Then press again.' },
  TICKET_USED: { title: 'Your ticket is used', next: 'This page is fetching a new one. Then press again.' },
  NEEDS_HTTPS: {
    title: 'This page was opened without HTTPS',
    next:
      'This sale asks your browser for a proof of work, which it computes only over HTTPS. ' +
      'Open the shop at https://.',
  },
  LAPSED: {
    title: 'Several of your orders were not paid',
    next:
      'The units went back on sale. You can buy again when the time on the button is up; ' +
      'others go first until then.',
  },
  SOLD_OUT: {
    title: 'Sold out for now',
    next: 'Units of unpaid orders go back on sale. Stay here: the button is enabled when one does.',
  },
  RATE_LIMITED: {
    title: 'Too many attempts',
    next: 'Try again in a moment. Pressing more often gives no advantage.',
  },
  BUSY: { title: 'The queue is full', next: 'Nothing was reserved. Try again in a moment.' },
  UNAVAILABLE: {
    title: 'The shop cannot be reached for a moment',
    next: 'Your attempt may have arrived. Press again: the same purchase is repeated, not a second one made.',
  },
  OFFLINE: {
    title: 'No connection',
    next:
      'Check your network. Your attempt may have arrived. Press again: the same purchase is repeated, not a second one ' +
      'made.',
  },
  UNANSWERED: {
    title: 'Your last attempt got no answer',
    next: 'It may have arrived. Press again: the same purchase is repeated, not a second one made.',
  },
  LIMIT_REACHED: {
    title: 'More than one person may have',
    next:
      'With what you hold already, perhaps bought in another browser, it would be above the limit. Choose fewer, or ' +
      'cancel an unpaid order first.',
  },
  KEY_REUSED: {
    title: 'Your earlier attempt had arrived',
    next: 'It is shown here as it was made then. What you asked for now was not bought in addition.',
  },
  UNAUTHENTICATED: { title: 'Please sign in again', next: 'Your session has expired. Your order is safe.' },
  INVALID_REQUEST: { title: 'The request is not valid', next: 'Check the number, the coupon and the points.' },
  NOT_READY: {
    title: 'Not ready to be paid yet',
    next: 'Your coupon and points are still being checked. Try again in a moment.',
  },
  NOT_PAYABLE: { title: 'This order cannot be paid', next: 'It was paid or cancelled meanwhile.' },
  NOT_CANCELLABLE: { title: 'This order cannot be cancelled any more', next: 'It was paid or cancelled meanwhile.' },
  NOT_FOUND: { title: 'Not found', next: 'The sale may be over. Go back to the list.' },
  INTERNAL: { title: 'Something went wrong on our side', next: 'The error is logged. Try again in a moment.' },
}

const reasons: Record<Reason, string> = {
  SOLD_OUT: 'The last unit was sold just before.',
  EXPIRED: 'The queue was too long: your reservation expired before it became an order. Nothing was charged.',
  NOT_ELIGIBLE: 'This account cannot take part in the sale.',
  BUSY: 'The queue was full. Nothing was charged.',
  UNPAID: 'It was not paid in time, so it went back on sale.',
  BUYER: 'You cancelled it. It went back on sale.',
  COUPON_REFUSED: 'The coupon could not be used. Try another one, or none.',
  TOO_FEW_POINTS: 'You do not have that many points. Try with fewer, or none.',
  NOT_COMPLETED: 'Your coupon and points could not be checked in time. Both were returned to you.',
  VETOED: 'Risk control rejected the order. Your payment is refunded.',
}

export const en = {
  brand: BRAND.en,
  loading: 'Loading the sales …',
  nothing: { title: 'Nothing is on sale', next: 'This page refreshes by itself.' },
  lost: { title: 'The shop cannot be reached', next: 'This page retries by itself. Your orders are safe.' },
  allSales: 'All sales',
  moreSales: 'More sales',
  sales: 'On sale',
  calendar: { NOW: 'Now', TODAY: 'Later today', TOMORROW: 'Tomorrow', LATER: 'Later', OVER: 'Over' },
  own: {
    title: 'My purchases',
    none: 'You have bought nothing yet.',
    mayBeMissing: 'A purchase of the last seconds may be missing here. Look again in a moment.',
    more: 'Earlier purchases',
    again: 'Look again',
    status: {
      RESERVED: 'Order being created',
      ORDERED: 'Waiting for payment',
      PAID: 'Paid',
      CANCELLED: 'Cancelled',
      REFUNDED: 'Refunded',
      REJECTED: 'Rejected',
    },
  },
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
    elsewhere: 'This shop has no sign-in of its own.',
    bad: "Use letters of any language, digits, spaces and . , _ - ' ·, at most 40.",
  },
  signedInAs: (name: string) => `Signed in as ${name}`,
  buy: 'Buy now',
  buyMore: 'Buy more',
  buyAgain: 'Buy again',
  hide: 'Remove from this page',
  purchase: (number: number) => `Purchase ${number}`,
  units: (units: number) => (units === 1 ? '1 unit' : `${units} units`),
  held: (held: number, limit: number) =>
    held >= limit
      ? `You hold ${held} of ${limit}, as many as one person may have.`
      : `You hold ${held} of ${limit}. You may buy ${limit - held} more.`,
  quantity: {
    title: 'How many',
    hint: (left: number) => `Up to ${left}.`,
    bad: (left: number) => `A whole number from 1 to ${left}.`,
  },
  line: {
    title: 'Waiting room',
    register: 'Register for the opening',
    join: 'Join the line',
    again: 'Join the line again',
    early: {
      title: 'This sale has a waiting room',
      text:
        'Register before it opens. Then all who are registered are put in a random order: ' +
        'coming earlier gains nothing. ' +
        'Those who come later stand behind them.',
    },
    late: { title: 'This sale has a waiting room', text: 'Join the line. When it is your turn you can buy.' },
    asking: { title: 'Asking for your place …', text: 'This takes a moment.' },
    registered: {
      title: 'You are registered',
      text: (people: string) =>
        `People registered: ${people}. Have this page open when the sale opens: then you get your place in line.`,
    },
    waiting: {
      title: 'You are in line',
      text: 'Keep this page open. You may reload it: your place is kept for a while when you are away.',
    },
    soldOut: 'Sold out for now. When units of unpaid orders come back, the next in line are admitted.',
    restarted: {
      title: 'The line had to begin anew',
      text: 'The shop has lost the order of the line, and you have a new place. We are sorry. Keep this page open.',
    },
    admitted: { title: 'It is your turn', text: 'Buy before the time is up.' },
    passed: { title: 'Your turn has passed', text: 'You were admitted and did not buy in time. You can join again.' },
    ahead: (people: string) => `About ${people} people ahead of you.`,
    members: 'You stand in the members’ line.',
    next: 'You are the next.',
    people: (people: number): string => (people === 1 ? 'person ahead of you' : 'people ahead of you'),
    wait: (seconds: number) => (seconds < 60 ? 'less than a minute' : `about ${Math.round(seconds / 60)} min`),
    noEstimate: 'no estimate yet',
    number: (digits: string) => `Your number: ${digits}`,
    timeLeft: 'Time left to buy',
    /** In a draw these take the place of those above. */
    draw: {
      title: 'Draw',
      register: 'Register for the draw',
      early: {
        title: 'This sale is a draw',
        text:
          'Register before it opens. Then all who are registered are put in a random order that anyone can check, and as ' +
          'many of the first as there are units may buy. Coming earlier gains nothing, and this page need not stay open.',
      },
      late: { title: 'This sale is a draw', text: 'Only those who registered before the opening take part.' },
      registered: {
        title: 'You take part in the draw',
        text: (people: string) =>
          `People registered: ${people}. Come back after the opening to see whether you may buy.`,
      },
      waiting: {
        title: 'You are not drawn so far',
        text: 'A unit that is not bought and paid in time goes to the next. This page tells you when that is you.',
      },
      soldOut:
        'Every unit is taken. One that is not paid in time goes to the next: this page tells you when that is you.',
      restarted: {
        title: 'The draw is held again',
        text: 'The shop has lost who was registered, and you are registered again. We are sorry.',
      },
      admitted: { title: 'You are drawn', text: 'Buy before the time is up.' },
      passed: {
        title: 'Your time has passed',
        text: 'You were drawn and did not buy in time. The unit goes to the next.',
      },
    },
  },
  buying: 'Reserving …',
  finding: 'Looking for your order …',
  notYet: 'Opens soon',
  stopped: 'Stopped for the moment',
  tryAgain: 'Try again',
  tryAgainIn: (seconds: number) => `Try again in ${seconds} s`,
  ticket: {
    lacking: 'Getting your ticket …',
    later: (minutes: number) =>
      `This sale needs a ticket. From ${minutes === 1 ? '1 minute' : `${minutes} minutes`} before the opening ` +
      'this page fetches it for you.',
    phases: {
      FETCHING: 'Getting your ticket …',
      WORKING: 'Proving that a browser is at work. This takes some seconds; you can stay on this page and wait.',
      READY: 'You have your ticket.',
      REFUSED: 'No ticket yet. This page asks again by itself.',
    },
    progress: 'Work for your ticket',
  },
  extras: {
    title: 'Coupon and points',
    coupon: 'Coupon',
    points: 'Points to spend',
    hint: 'One point is one cent off.',
    badCoupon: 'Letters, digits and - only, at most 40.',
    badPoints: 'A whole number from 0 to 1,000,000.',
  },
  steps: {
    title: 'Your order',
    got: 'You got it',
    making: 'Creating your order',
    made: 'Order created',
    checking: 'Checking your coupon and points …',
    pay: 'Pay',
    paid: 'Paid',
    putBack: 'Returning your coupon and points …',
  },
  says: {
    making: {
      title: 'You got it',
      text: (units: number) =>
        `${units === 1 ? 'A unit is' : `${units} units are`} reserved for you, and your order is being created. You may ` +
        'leave this page and come back.',
    },
    checking: { title: 'Your order is created', text: 'Checking your coupon and points. This takes a moment.' },
    toPay: {
      title: 'Your order is waiting',
      text: 'Pay before the time is up. After that it goes back on sale.',
    },
    paid: { title: 'Paid. It is yours', text: 'Thank you. There is nothing more to do.' },
    cancelled: 'Your order was cancelled',
    rejected: 'Your reservation was rejected',
    refunded: {
      title: 'Your payment is refunded',
      text: 'The order was cancelled after payment. The whole amount is refunded.',
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
  freeAgain: 'You can buy again.',
  connection: { polling: 'Live updates are interrupted; this page polls instead.' },
  refusals,
}
export type Words = typeof en
