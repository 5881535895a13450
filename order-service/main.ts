import { runService } from '../core/platform/service.ts'
import { OrderServiceConfig } from './config.ts'
import { startOrderService } from './order-service.ts'

await runService('order-service', OrderServiceConfig, startOrderService)
