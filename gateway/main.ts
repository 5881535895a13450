import { runService, type StartService } from '../core/platform/process/service.ts'
import { GatewayConfig, processCount } from './config.ts'

/**
 * Loaded where it is started: the process above the others only watches over them, and needs none of it (some 45 MB).
 */
const startGateway: StartService<GatewayConfig> = async (context) =>
  await (await import('./gateway.ts')).startGateway(context)

await runService('gateway', GatewayConfig, startGateway, processCount)
