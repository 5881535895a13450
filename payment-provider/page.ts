import { createHash } from 'node:crypto'
import { moneyText } from '../core/contracts/money.ts'
import { pageHeaders } from '../core/platform/http/security-headers.ts'
import type { Payment } from './link-tokens.ts'
import { STYLE } from './page-style.ts'
import { type Language, pageWords } from './page-words.ts'
import type { Reported } from './shop.ts'

export interface PageOptions {
  language: Language
  /** Target of the link back to the shop. */
  shopPage: string
}

/** Allows only the page's own style and its form. */
export const paymentPageHeaders = pageHeaders({
  defaultSrc: ["'none'"],
  styleSrc: [`'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`],
  formAction: ["'self'"],
  frameAncestors: ["'none'"],
  baseUri: ["'none'"],
})

export function paymentPage({ orderId, amountCents, currency }: Payment, options: PageOptions): string {
  const words = pageWords[options.language]
  const amount = moneyText(amountCents, currency, LOCALES[options.language])
  return page(
    options,
    words.title,
    `
<h1>${words.title}</h1>
<p class="amount">${amount}</p>
<p class="small">${words.order} ${orderId}</p>
<form method="post"><button>${words.pay(amount)}</button></form>
<p class="small">${words.demonstration}</p>
${wayBack(options)}`,
  )
}

export function resultPage({ outcome }: Reported, { orderId }: Payment, options: PageOptions): string {
  const words = pageWords[options.language]
  const { title, text, isGood } = words.results[outcome]
  const again = outcome === 'UNANSWERED' ? `<form method="post"><button>${words.tryAgain}</button></form>` : ''
  return page(
    options,
    title,
    `
<svg class="${isGood ? 'good' : 'warn'}" viewBox="0 0 24 24" aria-hidden="true"><circle cx="12" cy="12" r="10"/>${isGood ? '<path d="m7.5 12.5 3 3 6-6.5"/>' : '<path d="M12 7v6m0 3.500v.01"/>'}</svg>
<h1>${title}</h1>
<p>${text}</p>
<p class="small">${words.order} ${orderId}</p>
${again}
${wayBack(options)}`,
  )
}

const wayBack = ({ language, shopPage }: PageOptions) =>
  `<p><a href="${escaped(shopPage)}">${pageWords[language].back}</a></p>`

const LOCALES = { en: 'en', zh: 'zh-CN' } as const

/** Escapes a URL for an attribute. */
const escaped = (url: string) => url.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;')

/** Its parts need no escaping: ids are UUIDs by schema, the other text is constant. */
function page({ language }: PageOptions, title: string, body: string): string {
  return `<!doctype html>
<html lang="${LOCALES[language]}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${title}</title><style>${STYLE}</style></head>
<body><main>${body}</main></body>
</html>
`
}
