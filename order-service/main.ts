import { runService } from '../core/platform/process/service.ts'
import { OrderServiceConfig } from './config.ts'
import { startOrderService } from './order-service.ts'

await runService('order-service', OrderServiceConfig, startOrderService)
