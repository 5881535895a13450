import { z } from 'zod'
import { everyService, settings } from '../core/platform/process/config.ts'
import { httpBase } from '../core/platform/http/http-url.ts'

/** `gateway=http://gateway:3000,order-service=http://…` as pairs of name and URL. */
const readinessUrls = z
  .string()
  .optional()
  .transform((text = '', context) =>
    text
      .split(',')
      .filter((part) => part.trim() !== '')
      .map((part): [string, string] => {
        const [name = '', url = ''] = part.split(/=(.*)/s).map((each) => each.trim())
        const { data, error } = httpBase().safeParse(url)
        if (name === '') context.addIssue('expected name=url, as in gateway=http://localhost:3000')
        if (error) context.addIssue(`${name}: ${error.issues[0]?.message}`)
        return [name, data ?? '']
      }),
  )

export const ControlRoomConfig = z.object({
  ...everyService,
  CONTROL_ROOM_PORT: settings.port(3001).describe('port of the control room'),
  DATABASE_URL: settings.DATABASE_URL,
  REDIS_URL: settings.REDIS_URL,
  REDIS_KEY_PREFIX: settings.REDIS_KEY_PREFIX,
  RABBITMQ_URL: settings.RABBITMQ_URL,
  ADMIN_TOKEN: settings.secret('opens the control room, as a bearer token'),
  GATEWAY_URL: httpBase()
    .optional()
    .describe('where the gateway answers, as the control room reaches it: for its figures and simulated buyers'),
  READINESS_URLS: readinessUrls.describe(
    'services that the control room asks whether they are ready, as name=url,name=url',
  ),
  DEMO_MODE: settings.DEMO_MODE,
  CURRENCY: settings.CURRENCY,
  TRACE_STORE_URL: settings.TRACE_STORE_URL,
  CROWD_TOKEN_SECRET: z
    .string()
    .min(32)
    .optional()
    .describe('signs simulated buyers in: TOKEN_SECRET once more, in demo mode only'),
  CROWD_PAYMENT_URL: httpBase()
    .optional()
    .describe(
      "where simulated buyers reach the payment page, when not by the address in the buyers' links, as in containers",
    ),
  LAUNCHER_URL: httpBase().optional().describe('set by npm start: where it shows, ends and starts the processes'),
  LAUNCHER_TOKEN: z.string().min(32).optional().describe("set by npm start: opens the launcher's API"),
  RESERVATION_LIFETIME_SECONDS: settings.RESERVATION_LIFETIME_SECONDS,
  PAYMENT_WINDOW_SECONDS: settings.PAYMENT_WINDOW_SECONDS,
})
export type ControlRoomConfig = z.output<typeof ControlRoomConfig>

/** Of one process, at most. */
export const DATABASE_CONNECTIONS = 10
