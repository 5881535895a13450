import { runService } from '../core/platform/process/service.ts'
import { ControlRoomConfig } from './config.ts'
import { startControlRoom } from './control-room.ts'

await runService('control-room', ControlRoomConfig, startControlRoom)
