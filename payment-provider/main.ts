import { runService } from '../core/platform/process/service.ts'
import { PaymentProviderConfig } from './config.ts'
import { startPaymentProvider } from './payment-provider.ts'

await runService('payment-provider', PaymentProviderConfig, startPaymentProvider)
