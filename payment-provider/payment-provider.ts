import { clockCheck } from '../core/platform/stores/clock-check.ts'
import { startHttp } from '../core/platform/http/http-service.ts'
import { metricsAccess } from '../core/platform/http/metrics-access.ts'
import { createMetrics } from '../core/platform/process/metrics.ts'
import { reachable } from '../core/platform/http/reachable.ts'
import type { StartService } from '../core/platform/process/service.ts'
import { SIGNATURE_TOLERANCE_SECONDS } from '../core/platform/http/signature.ts'
import type { PaymentProviderConfig } from './config.ts'
import { createLinkTokens } from './link-tokens.ts'
import { providerRoutes } from './routes.ts'
import { shopAt } from './shop.ts'

/**
 * Stands in for a payment provider. It is stateless: a link carries its payment, and the shop counts each payment once.
 */
export const startPaymentProvider: StartService<PaymentProviderConfig> = async ({ config, log, closers }) => {
  const metrics = createMetrics('payment-provider')
  const base = () => config.PAYMENT_PAGE_URL ?? `http://localhost:${http.port}`
  const shop = shopAt({ url: config.PUBLIC_URL, secret: config.PAYMENT_SECRET, log })
  const http = await startHttp({
    host: config.HOST,
    port: config.PAYMENT_PROVIDER_PORT,
    log,
    metrics,
    metricsAccess: metricsAccess(config),
    checks: {
      shop: reachable('PUBLIC_URL', config.PUBLIC_URL, 'meanwhile no payment can be reported'),
      clock: clockCheck('the shop', shop.nowMs, SIGNATURE_TOLERANCE_SECONDS * 1_000),
    },
    routes: providerRoutes({
      secret: config.PAYMENT_SECRET,
      links: createLinkTokens(config.PAYMENT_SECRET),
      shopPage: config.SHOP_PAGE_URL ?? config.PUBLIC_URL,
      linkTo: (token) => `${base()}/pay/${token}`,
      shop,
      metrics,
      log,
    }),
  })
  closers.add('http', () => http.close())
  return { port: http.port }
}
