import type { Said, StoryStep } from '../contracts/control-room.ts'
import { moneyText } from '../contracts/money.ts'

/** What PostgreSQL and Redis have on record: `detail` holds the words that the step's sentence needs. */
export interface RecordedStep {
  at: Date
  service: StoryStep['service']
  step: string
  detail: Record<string, string | number | null>
}

/** What a step of an order's story says. @throws on a step that has no words */
export function sentenceOf({ step, detail }: RecordedStep, currency: string): Said {
  const sentence = SENTENCES[step]
  if (!sentence) throw new Error(`expected a step of a story that has words, got ${step}`)
  const text = (name: string) => String(detail[name] ?? '–')
  const [en, zh] = sentence({
    text,
    why: (language) => REASONS[text('reason')]?.[language] ?? text('reason'),
    money: (language) => moneyText(Number(detail.amount), currency, language),
  })
  return { en, zh }
}

interface Details {
  text: (name: string) => string
  why: (language: keyof Said) => string
  money: (language: keyof Said) => string
}

const SENTENCES: Record<string, (details: Details) => [en: string, zh: string]> = {
  RESERVED: ({ text }) => [
    `Redis set ${text('quantity')} aside; the buyer was answered once the broker had confirmed the message.`,
    `Redis 预占了 ${text('quantity')} 件；消息队列确认消息之后，买家才得到回答。`,
  ],
  UNDECIDED: () => [
    'It waits: the order service has neither made it an order nor rejected it.',
    '正在等待：订单服务既没有下单，也没有拒绝它。',
  ],
  REJECTED: ({ why }) => [`Rejected: ${why('en')}.`, `被拒绝：${why('zh')}。`],
  ORDERED: ({ text }) => [`Became order ${text('order')}.`, `成为订单 ${text('order')}。`],
  COUPON_LOCKED: ({ text, money }) => [
    `Coupon ${text('code')} locked: ${money('en')} less to pay.`,
    `优惠券 ${text('code')} 已锁定：少付 ${money('zh')}。`,
  ],
  COUPON_REFUSED: ({ text }) => [`Coupon ${text('code')} refused.`, `优惠券 ${text('code')} 不可用。`],
  COUPON_USED: ({ text }) => [`Coupon ${text('code')} used.`, `优惠券 ${text('code')} 已使用。`],
  COUPON_RETURNED: ({ text }) => [`Coupon ${text('code')} given back.`, `优惠券 ${text('code')} 已退回。`],
  POINTS_DEDUCTED: ({ text }) => [`${text('points')} points deducted.`, `扣除 ${text('points')} 积分。`],
  POINTS_GRANTED: ({ text }) => [`${text('points')} points granted.`, `发放 ${text('points')} 积分。`],
  POINTS_RETURNED: ({ text }) => [
    `${text('points')} points taken back or returned.`,
    `${text('points')} 积分已收回或退还。`,
  ],
  SAGA_RUNNING: () => ['Its saga is taking coupon and points.', 'saga 正在扣优惠券和积分。'],
  SAGA_DONE: () => ['Its saga is done: it can be paid.', 'saga 完成：可以付款。'],
  SAGA_COMPENSATING: () => ['Its saga is giving back what it took.', 'saga 正在退回已扣的优惠券和积分。'],
  SAGA_COMPENSATED: () => ['Its saga has given back what it took.', 'saga 已退回所扣的优惠券和积分。'],
  LINK: ({ money }) => [`The buyer asked where to pay ${money('en')}.`, `买家要付款：${money('zh')}。`],
  MONEY: ({ text, money }) => [
    `${money('en')} arrived, reference ${text('reference')}.`,
    `${money('zh')} 到账，流水号 ${text('reference')}。`,
  ],
  PAID: () => ['Paid.', '已付款。'],
  DEADLINE: () => ['It will be cancelled then unless it is paid.', '届时仍未付款就会取消。'],
  CANCELLED: ({ why }) => [`Cancelled: ${why('en')}.`, `已取消：${why('zh')}。`],
  REFUNDED: ({ why }) => [`Refunded: ${why('en')}.`, `已退款：${why('zh')}。`],
  HANDLED: ({ text }) => [
    `Event ${text('event')} of the order handled by ${text('subscribers')}.`,
    `订单的第 ${text('event')} 个事件已由 ${text('subscribers')} 处理。`,
  ],
  CLEAR: () => ['Reviewed for risk: clear.', '风控复核：正常。'],
  SUSPICIOUS: ({ text }) => [`Reviewed for risk: ${text('rules')}.`, `风控复核：${text('rules')}。`],
  REFUND_OWED: ({ money }) => [`${money('en')} is to go back.`, `需退回 ${money('zh')}。`],
  REFUND_TAKEN: ({ money }) => [
    `The provider has taken the refund of ${money('en')}.`,
    `支付方已受理退款 ${money('zh')}。`,
  ],
  SETTLED: ({ text }) => [`Redis knows that it is ${text('status')}.`, `Redis 已知道它是 ${text('status')}。`],
}

/** In the words of core/contracts/end-reason.ts. */
const REASONS: Record<string, Said> = {
  SOLD_OUT: { en: 'there was no unit left in PostgreSQL', zh: 'PostgreSQL 里已没有余量' },
  EXPIRED: { en: 'it came too late', zh: '来得太晚' },
  NOT_ELIGIBLE: { en: 'the buyer may not buy it', zh: '买家没有资格' },
  BUSY: { en: 'the broker did not take its message', zh: '消息队列没有收下它的消息' },
  UNPAID: { en: 'it was not paid in time', zh: '没有按时付款' },
  BUYER: { en: 'the buyer wished so', zh: '买家取消' },
  COUPON_REFUSED: { en: 'its coupon could not be used', zh: '优惠券不可用' },
  TOO_FEW_POINTS: { en: 'the buyer had too few points', zh: '积分不足' },
  NOT_COMPLETED: { en: 'its saga did not end in time', zh: 'saga 没有按时完成' },
  VETOED: { en: 'a subscriber vetoed it after the payment', zh: '付款后被订阅者否决' },
}
