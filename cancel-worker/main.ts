import { runService } from '../core/platform/process/service.ts'
import { CancelWorkerConfig } from './config.ts'
import { startCancelWorker } from './cancel-worker.ts'

await runService('cancel-worker', CancelWorkerConfig, startCancelWorker)
