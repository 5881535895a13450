import { z } from 'zod'
import { everyService, settings } from '../core/platform/config.ts'

export const ControlRoomConfig = z.object({
  ...everyService,
  CONTROL_ROOM_PORT: settings.port(3001).describe('port of the control room'),
  DATABASE_URL: settings.DATABASE_URL,
  REDIS_URL: settings.REDIS_URL,
  REDIS_KEY_PREFIX: settings.REDIS_KEY_PREFIX,
  RABBITMQ_URL: settings.RABBITMQ_URL,
  ADMIN_TOKEN: settings.secret('opens the control room, as a bearer token'),
  RESERVATION_LIFETIME_SECONDS: settings.RESERVATION_LIFETIME_SECONDS,
  PAYMENT_WINDOW_SECONDS: settings.PAYMENT_WINDOW_SECONDS,
})
export type ControlRoomConfig = z.output<typeof ControlRoomConfig>
