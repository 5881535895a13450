import { runService } from '../core/platform/service.ts'
import { GatewayConfig, processCount } from './config.ts'
import { startGateway } from './gateway.ts'

await runService('gateway', GatewayConfig, startGateway, processCount)
