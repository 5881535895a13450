import { z } from 'zod'
import { typedName } from './text.ts'

export const SessionRequest = z.strictObject({ name: typedName(40) })
/** Without the pattern of an id: it needs a flag that a JSON schema cannot name, and clients would refuse good ids. */
export const Session = z.strictObject({ token: z.string(), userId: z.string() })
