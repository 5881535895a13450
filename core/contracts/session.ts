import { z } from 'zod'
import { typedName } from './text.ts'
import { BuyerId } from './values.ts'

export const SessionRequest = z.strictObject({ name: typedName(40) })
export const Session = z.strictObject({ token: z.string(), userId: BuyerId })
