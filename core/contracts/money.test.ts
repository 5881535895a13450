import { expect, test } from 'vitest'
import { moneyText } from './money.ts'

test.each([
  ['CNY', 'zh-CN', 1_999, '¥19.99'],
  ['CNY', 'en', 0, '¥0.00'],
  ['JPY', 'en', 1_999, '¥1,999'],
  ['KWD', 'en', 1_999, 'KWD 1.999'],
  ['EUR', 'de', 123_456, '1.234,56 €'],
  ['USD', 'en', 2_147_483_647, '$21,474,836.47'],
])('%s in %s: %i is %s', (currency, locale, amount, text) => {
  expect(moneyText(amount, currency, locale).replaceAll('\u00a0', ' ')).toBe(text)
})
