import { z } from 'zod'

/**
 * What protects the opening of a sale from scripts. Each part is optional; a sale without any pays nothing for them.
 */

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
  tries: z
    .int()
    .min(1)
    .max(100_000)
    .describe(
      "keys that a buyer's device derives for a ticket, on average (PBKDF2 of 1,000 rounds each); up to five times " +
        'as many with the risk of the buyer',
    ),
})

const Lapses = z.strictObject({
  max: z.int().min(1).max(8).describe('orders that a buyer may let lapse before they have to wait'),
  waitSeconds: z.int().min(1).max(604_800).describe('how long they wait after each that lapses from then on'),
})

const WaitingRoom = z
  .strictObject({
    perSecond: z.int().min(1).max(100_000).default(100).describe('buyers admitted a second'),
    outstandingMax: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(1_000_000)
      .describe('admitted buyers who have not bought yet; with so many no other is admitted'),
    admissionSeconds: z.int().min(10).max(86_400).default(120).describe('how long an admission is valid'),
    absentSeconds: z
      .int()
      .min(30)
      .max(3_600)
      .default(30)
      .describe('a buyer without a sign of life for so long is absent: others are admitted first'),
    keptSeconds: z.int().min(0).max(86_400).default(300).describe('how long the place of an absent buyer is kept'),
    membersShare: z
      .int()
      .min(1)
      .max(99)
      .optional()
      .describe(
        'members have a line of their own, and so many percent of the admissions while others wait as well; without, ' +
          'all stand in one line',
      ),
  })
  .describe('buyers queue, and buy once they are admitted')

const Draw = z
  .strictObject({
    admissionSeconds: z
      .int()
      .min(10)
      .max(86_400)
      .default(3_600)
      .describe('a buyer who was drawn may buy for so long; then the unit goes to the next'),
  })
  .describe('those who register before the opening are drawn in a random order: as many as there are units may buy')

export const Opening = z
  .strictObject({ ticket: Ticket, proofOfWork: ProofOfWork, lapses: Lapses, waitingRoom: WaitingRoom, draw: Draw })
  .partial()
  .refine(({ waitingRoom, draw }) => waitingRoom === undefined || draw === undefined, {
    path: ['draw'],
    message: 'expected without waitingRoom: the draw takes its place',
  })
  .refine(({ ticket, proofOfWork }) => ticket !== undefined || proofOfWork === undefined, {
    path: ['proofOfWork'],
    message: 'expected together with ticket: the work is done for a ticket',
  })
export type Opening = z.infer<typeof Opening>

export const isPlain = (opening: Opening) => Object.values(opening).every((part) => part === undefined)

export const TicketRequest = z.strictObject({
  proof: z
    .string()
    .max(4_096)
    .optional()
    .describe('where the sale asks for proof of work: the solution of its challenge, as ALTCHA encodes it (base64)'),
})

export const TicketView = z.strictObject({
  ticket: z.string().describe('for one purchase of this buyer in this sale: the header `Seckill-Ticket`'),
  expiresAt: z.iso.datetime(),
})
export type TicketView = z.infer<typeof TicketView>

/** As the ALTCHA protocol has it, version 2. */
export const Challenge = z
  .object({
    parameters: z.looseObject({
      algorithm: z.string(),
      nonce: z.string(),
      salt: z.string(),
      cost: z.int(),
      keyLength: z.int(),
      keyPrefix: z.string(),
      data: z.looseObject({ triesMax: z.int().describe('the solution is among the first so many counters') }),
    }),
    signature: z.string(),
  })
  .describe('find the counter whose derived key begins with keyPrefix; the libraries of ALTCHA solve it')
export type Challenge = z.infer<typeof Challenge>
