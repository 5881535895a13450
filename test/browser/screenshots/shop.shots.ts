import { afterAll, beforeAll, test } from 'vitest'
import { startSystem, type System } from '../../support/system.ts'
import { type Browsers, PHONE, PROJECTOR, startBrowser } from '../support/browser.ts'
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

const looks = {
  phone: { viewport: PHONE, deviceScaleFactor: 1.5, hasTouch: true },
  projector: { viewport: PROJECTOR },
  en: { locale: 'en-GB' },
  zh: { locale: 'zh-CN' },
  light: { colorScheme: 'light' },
  dark: { colorScheme: 'dark' },
} as const
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
    soldOut: 'Sold out for now',
    notYet: 'Not open yet',
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
    soldOut: '暂时售罄',
    notYet: '尚未开抢',
  },
}

type Look = [size: 'phone' | 'projector', language: 'en' | 'zh', scheme: 'light' | 'dark']

async function sale(language: 'en' | 'zh', stock: number, opensInMs = -60_000): Promise<string> {
  const id = `shot-${Math.random().toString(36).slice(2, 10)}`
  await system.controlRoom('POST', '/sales', {
    id,
    title: titles[language],
    priceCents: 19_900,
    stock,
    opensAt: new Date(Date.now() + opensInMs).toISOString(),
    closesAt: new Date(Date.now() + 6.5 * 3_600_000).toISOString(),
  })
  return id
}

/** A buyer who is signed in and looks at the sale. */
async function buyer([size, language, scheme]: Look, saleId: string) {
  const said = words[language]
  const { page, close } = await browsers.visit(system.url(''), { ...looks[size], ...looks[language], ...looks[scheme] })
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

const LOOKS: Look[] = [
  ['phone', 'en', 'light'],
  ['phone', 'zh', 'dark'],
  ['projector', 'en', 'dark'],
  ['projector', 'zh', 'light'],
]

test.each(LOOKS)('from the first look to the end, on a %s, %s, %s', async (...look) => {
  const [size, language, scheme] = look
  const name = (state: string) => `shop-${state}-${size}-${language}-${scheme}`
  const saleId = await sale(language, 100)
  await othersBuy(saleId, 37)
  const { page, said, close, buy, sees } = await buyer(look, saleId)
  await page.getByText('63', { exact: false }).first().waitFor()
  await shoot(page, name('open'))
  await system.stop('order-service')
  await buy()
  await sees(said.got)
  await shoot(page, name('making'))
  await system.start('order-service')
  await sees(said.waiting)
  await shoot(page, name('to-pay'))
  await page.getByRole('button', { name: said.pay }).click()
  await page.waitForURL(/\/pay\//)
  await shoot(page, name('payment'))
  await page.getByRole('button').click()
  await page.getByRole('link', { name: said.back }).click()
  await sees(said.paid)
  await shoot(page, name('paid'))
  await close()
})

test.each(LOOKS)('when there is nothing to buy, on a %s, %s, %s', async (...look) => {
  const [size, language, scheme] = look
  const saleId = await sale(language, 1)
  await othersBuy(saleId, 1)
  const gone = await buyer(look, saleId)
  await gone.sees(gone.said.soldOut)
  await shoot(gone.page, `shop-sold-out-${size}-${language}-${scheme}`)
  await gone.close()
  const soon = await buyer(look, await sale(language, 100, 754_000))
  await soon.sees(soon.said.notYet)
  await shoot(soon.page, `shop-soon-${size}-${language}-${scheme}`)
  await soon.close()
})
