import { z } from 'zod'
import { everyService, settings } from '../core/platform/process/config.ts'
import { httpBase } from '../core/platform/http/http-url.ts'

export const PaymentProviderConfig = z.object({
  ...everyService,
  PAYMENT_PROVIDER_PORT: settings.port(3004).describe('port of the payment provider'),
  PAYMENT_SECRET: settings.PAYMENT_SECRET,
  ALLOW_DEMO_PAYMENTS: settings.ALLOW_DEMO_PAYMENTS,
  PUBLIC_URL: httpBase().describe('base of the shop; money is reported to its /payments/callback'),
  SHOP_PAGE_URL: settings.SHOP_PAGE_URL,
  PAYMENT_PAGE_URL: httpBase()
    .optional()
    .describe('base of the links buyers pay at; http://localhost:<port> when unset'),
})
export type PaymentProviderConfig = z.output<typeof PaymentProviderConfig>
