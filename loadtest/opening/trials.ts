/** One sale of the scenario `opening`. */
export interface Trial {
  /** Its rules, see docs/opening.md. */
  opening: { ticket?: object; proofOfWork?: { tries: number }; waitingRoom?: object; draw?: object }
  /** Before the opening: from when on buyers fetch tickets and take places. */
  leadSeconds: number
  openSeconds: number
}

/** The work is simulated: k6 computes so few tries, and each takes the time of a thousand on the buyer's device. */
export const TRY_STANDS_FOR = 1_000

const ticket = { fromMinutesBefore: 1 }
/** Accounts that were made today get none from an address with more than 20 of them. */
const strictTicket = { ...ticket, refuseFrom: 60 }
const proofOfWork = { tries: 5 }
/** Slow against the seconds that people take to buy: otherwise those who are faster take the units meanwhile. */
const waitingRoom = { perSecond: 5, admissionSeconds: 30 }

/** Bots begin to solve as soon as tickets are given. */
const WORK_LEAD_SECONDS = 60
const brief = { leadSeconds: 20, openSeconds: 15 }
const patient = { ...brief, openSeconds: 45 }

/** Protections by name, each in a sale of its own: the rows of the table in docs/opening.md. */
export const TRIALS = {
  none: { ...brief, opening: {} },
  tickets: { ...brief, opening: { ticket } },
  strictTickets: { ...brief, opening: { ticket: strictTicket } },
  work: { ...brief, leadSeconds: WORK_LEAD_SECONDS, opening: { ticket, proofOfWork } },
  room: { ...patient, opening: { waitingRoom } },
  draw: { ...patient, opening: { ticket: strictTicket, draw: { admissionSeconds: 30 } } },
  all: { ...patient, leadSeconds: WORK_LEAD_SECONDS, opening: { ticket: strictTicket, proofOfWork, waitingRoom } },
} satisfies Record<string, Trial>

export type TrialName = keyof typeof TRIALS
export const TRIAL_NAMES = Object.keys(TRIALS) as TrialName[]

/** Kinds of buyers. */
export const KINDS = ['people', 'scripts', 'farm'] as const
export type Kind = (typeof KINDS)[number]

/** People come within so long before the opening, and press the button within so long once they may. */
export const COME_SECONDS = { earliest: 15, latest: 2 }
export const REACTION_SECONDS = { least: 1, most: 4 }
/** Of a phone, of one core, of the farm's four. */
export const TRIES_PER_SECOND: Record<Kind, number> = { people: 700, scripts: 3_000, farm: 12_000 }

/** A script sends its purchase again so long after each answer, from so long before the opening on. */
export const SCRIPT_MS = { again: 30, early: 1_000 }

/** What the scenario was run with. */
export interface Sizes {
  stock: number
  people: number
  scripts: number
  /** Accounts of the farm. */
  farm: number
}

export interface SaleOfTrial {
  id: string
  opensAtMs: number
  endsAtMs: number
}

/** What every buyer of the scenario is told. */
export interface SetUp {
  sizes: Sizes
  sales: Partial<Record<string, SaleOfTrial>>
}

/** Whether buyers take a place, and need an admission. */
export const hasPlaces = ({ waitingRoom, draw }: Trial['opening']) => waitingRoom !== undefined || draw !== undefined

/** As k6 names the parts of a metric that are told apart; each needs a threshold. */
export const unitsOf = (name: TrialName, kind: Kind) => `units{trial:${name},kind:${kind}}`
export const ticketsOf = (name: TrialName, kind: Kind) => `tickets{trial:${name},kind:${kind}}`
export const boughtAfterOf = (name: TrialName) => `bought_after{trial:${name}}`
