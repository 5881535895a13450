import { z } from 'zod'

/** What protects the opening of a sale from scripts. Each part is optional; a sale without any pays nothing for them. */

const Ticket = z.strictObject({
  fromMinutesBefore: z.int().min(1).max(1_440).describe('tickets are given from so many minutes before the opening on'),
  validMinutes: z
    .int()
    .min(1)
    .max(1_440)
    .default(10)
    .describe('a ticket is valid for so long, counted from the opening when it was given before'),
  refuseFrom: z
    .int()
    .min(1)
    .max(100)
    .default(80)
    .describe('a buyer whose risk is so high gets no ticket; 100 refuses only buyers on the blacklist'),
})

const ProofOfWork = z.strictObject({
  cost: z
    .int()
    .min(1)
    .max(10_000_000)
    .describe('hashes that a ticket costs on average, up to five times as many with the risk of the buyer'),
})

const Lapses = z.strictObject({
  max: z.int().min(1).max(8).describe('orders that a buyer may let lapse before they have to wait'),
  waitSeconds: z.int().min(1).max(604_800).describe('how long they wait after each that lapses from then on'),
})

export const Opening = z
  .strictObject({ ticket: Ticket, proofOfWork: ProofOfWork, lapses: Lapses })
  .partial()
  .refine(({ ticket, proofOfWork }) => ticket !== undefined || proofOfWork === undefined, {
    path: ['proofOfWork'],
    message: 'expected together with ticket: the work is done for a ticket',
  })
export type Opening = z.infer<typeof Opening>

export const isPlain = (opening: Opening) => Object.values(opening).every((part) => part === undefined)
