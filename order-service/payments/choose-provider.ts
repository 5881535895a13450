import { BadConfiguration } from '../../core/platform/process/config.ts'
import type { OrderServiceConfig } from '../config.ts'
import { demoProvider } from './demo-provider.ts'
import type { PaymentProvider } from './provider.ts'
import { stripeProvider } from './stripe/stripe-provider.ts'

/** @throws BadConfiguration when a setting is missing that this provider needs */
export function chooseProvider(config: OrderServiceConfig): PaymentProvider {
  const { PAYMENT_PROVIDER_URL: url, PAYMENT_SECRET: secret, PAYMENT_API_KEY: apiKey, SHOP_PAGE_URL: shopPage } = config
  switch (config.PAYMENT_PROVIDER) {
    case 'demo':
      return demoProvider({ url, secret })
    case 'stripe':
      if (apiKey === undefined || shopPage === undefined)
        throw new BadConfiguration(['PAYMENT_PROVIDER=stripe needs PAYMENT_API_KEY and SHOP_PAGE_URL as well'])
      return stripeProvider({ url, secret, apiKey, shopPage, currency: config.CURRENCY })
  }
}
