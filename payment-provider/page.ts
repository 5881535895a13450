import { createHash } from 'node:crypto'
import { contentSecurityPolicy } from 'helmet'
import type { Payment } from './link-tokens.ts'
import type { Reported } from './shop.ts'

const STYLE = `
body { font: 18px/1.5 system-ui, sans-serif; margin: 0; min-height: 100vh; display: grid; place-items: center; background: #f4f5f7; color: #1d2129 }
main { background: #fff; padding: 2.5rem 3rem; border-radius: 12px; box-shadow: 0 2px 16px #0002; text-align: center; max-width: 22rem }
h1 { font-size: 1rem; font-weight: 600; margin: 0; color: #5b6472 }
p { margin: .75rem 0 }
.amount { font-size: 3rem; font-weight: 700; line-height: 1.2 }
small { color: #5b6472; overflow-wrap: anywhere }
button { font: inherit; font-weight: 600; width: 100%; margin-top: 1rem; padding: .75rem; border: 0; border-radius: 8px; background: #15653a; color: #fff; cursor: pointer }
button:focus-visible { outline: 3px solid #8fd3ab }
`

/** Allows the page's own style and its one form, and nothing else. */
export const pagePolicy = contentSecurityPolicy({
  // Not helmet's defaults: they upgrade the form to https, which a demo on plain http does not answer.
  useDefaults: false,
  directives: {
    defaultSrc: ["'none'"],
    styleSrc: [`'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`],
    formAction: ["'self'"],
    frameAncestors: ["'none'"],
    baseUri: ["'none'"],
  },
})

export function paymentPage({ orderId, amountCents }: Payment): string {
  return page('Payment', `
<p class="amount">${amount(amountCents)}</p>
<p><small>Order ${orderId}</small></p>
<form method="post"><button>Pay ${amount(amountCents)}</button></form>
<p><small>A demonstration: no money moves.</small></p>`)
}

const results: Record<Reported['outcome'], { title: string; text: string }> = {
  PAID: { title: 'Paid', text: 'Thank you. The order is yours.' },
  ALREADY_COUNTED: { title: 'Paid before', text: 'This payment was counted before; nothing was taken twice.' },
  REFUND_DUE: { title: 'Too late', text: 'The order had ended before the money arrived. You get it back.' },
  REFUSED: { title: 'Not taken', text: 'The shop does not accept this payment. Nothing was taken.' },
  UNANSWERED: { title: 'Not known yet', text: 'The shop does not answer. Try again in a moment: nothing is taken twice.' },
}

export function resultPage({ outcome }: Reported, { orderId }: Payment): string {
  const { title, text } = results[outcome]
  const again = outcome === 'UNANSWERED' ? '<form method="post"><button>Try again</button></form>' : '<p><small>You may close this page.</small></p>'
  return page(title, `<p>${text}</p><p><small>Order ${orderId}</small></p>${again}`)
}

/** Cents in yuan, the currency of the demo: 1999 is ¥19.99. */
function amount(cents: number): string {
  return `¥${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, '0')}`
}

/** Nothing in it needs escaping: ids are UUIDs by schema, everything else is ours. */
function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title><style>${STYLE}</style></head>
<body><main><h1>${title}</h1>${body}</main></body>
</html>
`
}
