import { CancelWorkerConfig } from '../cancel-worker/config.ts'
import { ControlRoomConfig } from '../control-room/config.ts'
import { GatewayConfig } from '../gateway/config.ts'
import { OrderServiceConfig } from '../order-service/config.ts'
import { PaymentProviderConfig } from '../payment-provider/config.ts'
import { SubscribersConfig } from '../subscribers/runtime/config.ts'

/** What each service reads from its environment. A new service is added here. */
export const schemas = {
  gateway: GatewayConfig,
  'order-service': OrderServiceConfig,
  'cancel-worker': CancelWorkerConfig,
  subscribers: SubscribersConfig,
  'control-room': ControlRoomConfig,
  'payment-provider': PaymentProviderConfig,
}
