import { afterAll, beforeAll, test } from 'vitest'
import { startSystem, type System } from '../../support/system.ts'
import { type Browsers, PHONE, startBrowser } from '../support/browser.ts'
import { shoot } from '../support/shoot.ts'

let system: System
let browsers: Browsers
beforeAll(async () => {
  ;[system, browsers] = await Promise.all([startSystem({ PAYMENT_WINDOW_SECONDS: '1800' }), startBrowser()])
})
afterAll(async () => {
  await browsers.close()
  await system.close()
})

const PHONE_SCREEN = { viewport: PHONE, deviceScaleFactor: 1.5, hasTouch: true }
const looks = {
  en: { ...PHONE_SCREEN, locale: 'en-GB', colorScheme: 'light' },
  zh: { ...PHONE_SCREEN, locale: 'zh-CN', colorScheme: 'dark' },
} as const
type Language = keyof typeof looks
const titles = { en: 'Mechanical keyboard, limited edition', zh: '机械键盘 限量版' }
const words = {
  en: {
    name: 'Ada',
    field: 'Your name',
    enter: 'Sign in',
    buy: 'Buy now',
    waiting: 'Your order is waiting',
    got: 'You got it',
    paid: 'Paid. It is yours',
    pay: /^Pay/,
    back: 'Back to the shop',
  },
  zh: {
    name: '小明',
    field: '您的名字',
    enter: '登录',
    buy: '立即抢购',
    waiting: '订单待付款',
    got: '恭喜您抢到了',
    paid: '付款成功，商品归您了',
    pay: /^支付/,
    back: '返回商店',
  },
}

async function openSale(language: Language, stock: number): Promise<string> {
  const id = `shot-${Math.random().toString(36).slice(2, 10)}`
  await system.controlRoom('POST', '/sales', {
    id,
    title: titles[language],
    priceCents: 19_900,
    stock,
    opensAt: new Date(Date.now() - 60_000).toISOString(),
    closesAt: new Date(Date.now() + 6.5 * 3_600_000).toISOString(),
  })
  return id
}

/** A buyer who is signed in and looks at the sale. */
async function buyer(language: Language, saleId: string) {
  const said = words[language]
  const { page, close } = await browsers.visit(system.url(''), looks[language])
  await page.goto(system.url(`/#/${saleId}`))
  await page.getByLabel(said.field).fill(said.name)
  await page.getByRole('button', { name: said.enter, exact: true }).click()
  return {
    page,
    said,
    close,
    buy: () => page.getByRole('button', { name: said.buy }).click(),
    sees: (name: string) => page.getByText(name, { exact: true }).first().waitFor(),
  }
}

/** Units that others buy. */
async function othersBuy(saleId: string, units: number): Promise<void> {
  for (let i = 0; i < units; i++) await system.buy(saleId, await system.signIn(`other ${i}`))
}

/** Takes the pictures that README shows in English, and README.zh-CN in Chinese. */
test.each([
  ['en', 'shop-open-phone-en-light', undefined, 'shop-to-pay-phone-en-light', 'shop-paid-phone-en-light'],
  ['zh', 'shop-open-phone-zh-dark', 'shop-making-phone-zh-dark', undefined, 'shop-paid-phone-zh-dark'],
] as const)('a purchase from the first look to the end, %s', async (language, open, making, toPay, paid) => {
  const saleId = await openSale(language, 100)
  await othersBuy(saleId, 37)
  const { page, said, close, buy, sees } = await buyer(language, saleId)
  await page.getByText('63', { exact: false }).first().waitFor()
  await shoot(page, open)
  await system.stop('order-service')
  await buy()
  await sees(said.got)
  if (making) await shoot(page, making)
  await system.start('order-service')
  await sees(said.waiting)
  if (toPay) await shoot(page, toPay)
  await page.getByRole('button', { name: said.pay }).click()
  await page.waitForURL(/\/pay\//)
  await page.getByRole('button').click()
  await page.getByRole('link', { name: said.back }).click()
  await sees(said.paid)
  await shoot(page, paid)
  await close()
})
