import type { Guard } from '../guard.ts'

const SOLD_OUT = 'gateway/sold-out.test.ts'
const OUTAGES = 'test/outages.test.ts'

/** The gateway and its hand-over to the broker. */
export const gatewayGuards: Guard[] = [
  {
    rule: 'an unknown publish is not a refused one: the unit is not released',
    file: 'gateway/buy.ts',
    text: "    // UNKNOWN may well have arrived. The pending entry carries it; giving the unit back now could sell it twice.\n    case 'UNKNOWN':\n",
    without: '',
    tests: { file: OUTAGES, named: 'while the broker is away' },
  },
  {
    rule: 'a unit whose message the broker refused is released',
    file: 'gateway/buy.ts',
    text: "return (await takeBack(deps, reservation)) ? { status: 'BUSY' }",
    without: "return reservationId ? { status: 'BUSY' }",
    tests: { file: OUTAGES, named: 'a full queue' },
  },
  {
    rule: 'a pending entry goes only when it is confirmed',
    file: 'gateway/publish-in-batches.ts',
    text: "if (outcome === 'CONFIRMED') removePending",
    without: 'removePending',
    tests: { file: OUTAGES, named: 'while the broker is away' },
  },
  {
    rule: 'holders are not told "sold out" from memory',
    file: 'gateway/sold-out.ts',
    text: 'return holders !== undefined && !mayHold(holders, buyerId, units)',
    without: 'return holders !== undefined',
    tests: { file: SOLD_OUT, named: 'a late buyer' },
  },
  {
    rule: 'a release makes the process forget that the sale is sold out',
    file: 'gateway/sold-out.ts',
    text: '    this.#known.delete(saleId)\n  }',
    without: '  }',
    tests: { file: SOLD_OUT, named: 'a release' },
  },
  {
    rule: 'while the subscription is down everything is forgotten',
    file: 'gateway/sold-out.ts',
    text: '    this.#known.clear()\n',
    without: '',
    tests: { file: SOLD_OUT, named: 'while the subscription' },
  },
  {
    rule: 'a survey that began before a release is out of date after it',
    file: 'gateway/sold-out.ts',
    text: ' || this.#releases !== releasesBefore) return',
    without: ') return',
    tests: { file: SOLD_OUT, named: 'a survey that began' },
  },
  {
    rule: 'a purchase needs a valid token',
    file: 'gateway/buy.ts',
    text: "  if ('fault' in verified) return { status: 'UNAUTHENTICATED', fault: verified.fault }\n",
    without: '',
    tests: { file: 'test/selling.test.ts', named: 'who may buy no buyer without' },
  },
  {
    rule: "another buyer's reservation is not shown",
    file: 'gateway/routes/reservations.ts',
    text: 'if (record?.buyerId !== buyerId) throw',
    without: 'if (!record) throw',
    tests: { file: 'test/selling.test.ts', named: 'what a buyer sees a reservation is shown' },
  },
  {
    rule: 'a process holds no more streams than it may',
    file: 'gateway/watched-reservations.ts',
    text: 'this.#isClosing || free <= 0',
    without: 'this.#isClosing',
    tests: { file: 'test/waiting.test.ts', named: 'the event stream a process' },
  },
  {
    rule: 'one buyer does not take all the streams',
    file: 'gateway/watched-reservations.ts',
    text: '>= PER_BUYER_MAX',
    without: '< 0',
    tests: { file: 'test/waiting.test.ts', named: 'the event stream one buyer' },
  },
  {
    rule: 'one address does not take all the streams',
    file: 'gateway/watched-reservations.ts',
    text: '>= free) return',
    without: '< 0) return',
    tests: { file: 'test/waiting.test.ts', named: 'the event stream of one address' },
  },
  {
    rule: 'money is counted while buyers occupy all of their connections to the order service',
    file: 'gateway/routes/forward.ts',
    text: 'req.path === CALLBACK ? ofProvider : ofBuyers',
    without: 'ofBuyers',
    tests: { file: 'gateway/routes/forward.test.ts' },
  },
  {
    rule: 'a refusal does not overtake the answer to an earlier request',
    file: 'core/platform/http/unreadable.ts',
    text: "else underWay.once('close', () => afterEarlierAnswers(socket, broken, then))",
    without: 'else then()',
    tests: { file: 'core/platform/http/unreadable.test.ts' },
  },
  {
    rule: 'no rate limit of buyers applies to the payment provider',
    file: 'gateway/routes/limit.ts',
    text: "path === '/payments/callback' || ",
    without: '',
    tests: { file: 'test/limits.test.ts', named: 'in a crowd' },
  },
  {
    rule: 'the epoch that a gateway knows never falls',
    file: 'gateway/catalogue.ts',
    text: 'Math.max(sale.epoch, sales.get(sale.saleId)?.epoch ?? 0)',
    without: 'sale.epoch',
    tests: { file: 'gateway/catalogue.test.ts', named: 'an epoch that falls' },
  },
]
