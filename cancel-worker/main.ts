import { runService } from '../core/platform/service.ts'
import { CancelWorkerConfig } from './config.ts'
import { startCancelWorker } from './cancel-worker.ts'

await runService('cancel-worker', CancelWorkerConfig, startCancelWorker)
