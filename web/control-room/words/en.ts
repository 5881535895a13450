import type { Refusal } from '../../shared/api.ts'

type Refusals = Partial<Record<Refusal['code'], string>> & { INTERNAL: string }

const refusals: Refusals = {
  OFFLINE: 'The control room does not answer.',
  UNAVAILABLE: 'What is needed for this is away just now; try again in a moment.',
  RUSH_RUNNING: 'Buyers are at it already.',
  DEMO_ONLY: 'This is possible only in a demo, as npm start runs one.',
  NOT_RUNNING: 'It is not running just now; it is being started.',
  SALE_EXISTS: 'There is a sale of that id; choose another one.',
  INVALID_REQUEST: 'Not all of this can be taken; look at the fields again.',
  NOT_FOUND: 'There is no such thing any more.',
  FORBIDDEN: 'This is not allowed from here.',
  INTERNAL: 'Something went wrong on our side.',
}

export const en = {
  brand: 'Control room',
  now: 'now',
  perSecond: 'a second',
  reservations: 'reservations',
  orders: 'orders',
  of: (total: string) => `of ${total}`,
  connection: { CONNECTING: 'Connecting …', LIVE: 'Live', LOST: 'No connection', REFUSED: 'Not signed in' },
  lost: 'The control room does not answer. This page tries again by itself; what it shows is from before.',
  sale: 'Sale shown',
  newestSale: 'The newest sale',
  signIn: {
    title: 'Control room', token: 'Admin token', open: 'Open',
    hint: 'npm start prints a link that brings it along. Elsewhere it is ADMIN_TOKEN.',
    refused: 'This is not the token of this control room.',
  },
  audit: {
    accounted: 'Every unit is accounted for.',
    running: 'Nothing is wrong. Some units are still on their way.',
    wrong: 'Not balanced:',
    unknown: 'No verdict just now.',
    age: (seconds: string) => `Audited ${seconds} s ago.`,
  },
  problems: { title: 'Services that are not ready', notReady: (service: string) => `${service} is not ready:` },
  charts: { all: 'What is going on', requests: 'Requests in', waiting: 'Waiting', orders: 'Orders out', stock: 'Stock left', fates: 'Orders', writes: 'Rows written' },
  groups: { accepted: 'Accepted', repeated: 'Repeated', soldOut: 'Sold out', limited: 'Too fast', busy: 'Busy', other: 'Other' },
  fates: { unpaid: 'Unpaid', paid: 'Paid', cancelled: 'Cancelled', refunded: 'Refunded' },
  undecided: 'No order yet',
  most: 'Most',
  messages: 'Messages queued',
  pending: 'Unconfirmed',
  ordered: 'Units ordered',
  rows: 'PostgreSQL',
  left: 'Left',
  taken: 'Taken',
  outbox: 'Events to send',
  rush: {
    title: 'Rush', buyers: 'Buyers', seconds: 'Seconds', where: 'Sale', ownSale: 'A new one', send: 'Send the rush', stop: 'Stop',
    states: { RUNNING: 'Buyers are coming', PAYING: 'Buyers are paying', DONE: 'Done', STOPPED: 'Stopped', FAILED: 'Broke off' },
    none: 'Simulated buyers press the button, over HTTP, as real ones do.',
    rate: 'A second', rateMax: 'At most', asked: 'Asked', unanswered: 'Unanswered', paid: 'Have paid',
  },
  processes: {
    title: 'Processes', kill: 'Kill', restart: 'Restart', none: 'Only npm start lets this page kill and restart processes. With Docker, in a terminal: docker compose kill <service>, then docker compose start <service>.',
    states: { RUNNING: 'Running', STARTING: 'Starting', DOWN: 'Down' },
    restarts: (times: string) => `restarted ${times} ×`,
    killOf: (name: string) => `Kill ${name}`, restartOf: (name: string) => `Restart ${name}`,
  },
  seconds: (count: number) => `${count} s`,
  minutes: (count: number) => `${count} min`,
  hours: (count: number) => `${count} h`,
  sales: {
    title: 'Sales', id: 'Id', name: 'Title', price: 'Price in cents', stock: 'Stock', minutes: 'Open for minutes', create: 'Create and open', new: 'New sale',
    states: { soon: 'Not open yet', open: 'Open', over: 'Over' }, openNow: 'Open now', closeNow: 'Close now', sold: (sold: string, stock: string) => `${sold} of ${stock} sold`,
    openOf: (title: string) => `Open now: ${title}`, closeOf: (title: string) => `Close now: ${title}`,
  },
  deadLetters: {
    title: 'Dead letters', none: 'None. Every message was understood.', sendAll: 'Send all back', sendBack: 'Send back', unknown: 'unknown queue',
    count: (count: string) => `Messages that nobody could use: ${count}`, kept: (count: string) => `Not sent back, and still here: ${count}`,
    sendOf: (id: string) => `Send back: ${id}`,
  },
  sagas: {
    title: 'Sagas', none: 'No order has a saga.', order: 'Order', state: 'State', step: 'Last step',
    states: { RUNNING: 'Running', COMPENSATING: 'Being undone', DONE: 'Done', COMPENSATED: 'Undone' },
  },
  refusals,
}
