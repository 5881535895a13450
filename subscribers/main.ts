import { runService } from '../core/platform/process/service.ts'
import { SubscribersConfig } from './frame/config.ts'
import { startSubscribers } from './frame/start-subscribers.ts'

await runService('subscribers', SubscribersConfig, startSubscribers)
