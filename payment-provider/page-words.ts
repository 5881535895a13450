import type { Reported } from './shop.ts'

export type Language = 'en' | 'zh'

interface PageWords {
  title: string
  order: string
  pay: (amount: string) => string
  demonstration: string
  tryAgain: string
  back: string
  results: Record<Reported['outcome'], { title: string; text: string; isGood: boolean }>
}

export const pageWords: Record<Language, PageWords> = {
  en: {
    title: 'Payment',
    order: 'Order',
    pay: (amount) => `Pay ${amount}`,
    demonstration: 'A demonstration: no money moves.',
    tryAgain: 'Try again',
    back: 'Back to the shop',
    results: {
      PAID: { title: 'Paid', text: 'Thank you. The order is yours.', isGood: true },
      ALREADY_COUNTED: {
        title: 'Paid before',
        text: 'This payment was counted before; nothing was taken twice.',
        isGood: true,
      },
      REFUND_DUE: {
        title: 'Too late',
        text: 'The order had ended before the money arrived. You get it back.',
        isGood: false,
      },
      REFUSED: { title: 'Not taken', text: 'The shop does not accept this payment. Nothing was taken.', isGood: false },
      UNANSWERED: {
        title: 'Not known yet',
        text: 'The shop does not answer. Try again in a moment: nothing is taken twice.',
        isGood: false,
      },
    },
  },
  zh: {
    title: '付款',
    order: '订单号',
    pay: (amount) => `支付 ${amount}`,
    demonstration: '演示环境，不会产生真实扣款。',
    tryAgain: '重试',
    back: '返回商店',
    results: {
      PAID: { title: '付款成功', text: '谢谢，商品归您了。', isGood: true },
      ALREADY_COUNTED: { title: '已付过款', text: '这笔款项此前已到账，没有重复扣款。', isGood: true },
      REFUND_DUE: { title: '来晚了', text: '款项到达前订单已结束，将原路退回。', isGood: false },
      REFUSED: { title: '未扣款', text: '商店不接受这笔付款，未产生任何扣款。', isGood: false },
      UNANSWERED: { title: '结果未知', text: '商店暂未应答，请稍后重试，不会重复扣款。', isGood: false },
    },
  },
}
