import { runService } from '../core/platform/process/service.ts'
import { SubscribersConfig } from './runtime/config.ts'
import { startSubscribers } from './runtime/start-subscribers.ts'

await runService('subscribers', SubscribersConfig, startSubscribers)
