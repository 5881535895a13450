import { z } from 'zod'
import { typedName } from './text.ts'

/** `tier` becomes the token's claim, for rules about members (`limitPerBuyer`). */
export const SessionRequest = z.strictObject({ name: typedName(40), tier: z.string().max(40).optional() })
/** Without the pattern of an id: it needs a flag that a JSON schema cannot name, and clients would refuse good ids. */
export const Session = z.strictObject({ token: z.string(), userId: z.string() })
