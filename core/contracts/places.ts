import { z } from 'zod'
import { SaleId } from './values.ts'

/** A buyer's place in the waiting room of a sale. */
export const PlaceView = z.strictObject({
  saleId: SaleId,
  state: z
    .enum(['REGISTERED', 'WAITING', 'ADMITTED'])
    .describe('REGISTERED until the sale opens; then all who are registered are shuffled'),
  line: z.string().describe('names the line; another name: it had to begin anew, and so did your place'),
  registered: z.int().optional().describe('people who are registered, until the sale opens'),
  ahead: z.int().optional().describe('people in front of you in your line who are present'),
  isMember: z.boolean().optional().describe("you stand in the members' line"),
  number: z
    .string()
    .optional()
    .describe(
      'by which those who came before the opening were ordered, the lowest first: the first 13 digits of ' +
        'SHA-256 of "<seed> <your id>"; absent when you came later, behind all of them',
    ),
  perSecond: z.number().optional().describe('people admitted a second, as measured'),
  waitSeconds: z.int().optional().describe('how long it will take at that rate'),
  admission: z.string().optional().describe('goes with your purchase, as the header Seckill-Admission'),
  admittedUntil: z.iso.datetime().optional(),
  serverTime: z.iso.datetime(),
})
export type PlaceView = z.infer<typeof PlaceView>
