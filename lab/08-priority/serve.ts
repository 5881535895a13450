import type { ConsumeMessage } from 'amqplib'
import type { Place } from '../frame/place.ts'

/** A buyer came, or was served. Time is counted in turns: in each turn the worker can serve one buyer. */
export interface Step {
  did: 'CAME' | 'SERVED'
  buyer: number
  isMember: boolean
  turn: number
  /** Buyers that come in a turn, on average. */
  load: number
  at: number
}

export interface Plan {
  queues: { name: string; priorities?: number }[]
  /** Which queue a buyer's message goes to. */
  queueOf: (isMember: boolean) => number
  /** The queue that the worker prefers in this turn; it takes from another one when that is empty. */
  prefers: (turn: number) => number
  /** Messages of a queue that the broker hands to the worker before it has acknowledged the first of them. */
  prefetch: number
}

interface Ticket {
  buyer: number
  isMember: boolean
}

const MEMBERS = 0.7
/** At most so many buyers come in a turn. */
const ARRIVALS_MAX = 4

/** Serves buyers for so many turns. Those who still wait then have not been served. */
export async function serve(place: Place<Step>, plan: Plan, load: number, turns: number): Promise<void> {
  const { broker, random, now } = place
  const channel = await broker.createConfirmChannel()
  const desk = await openDesk(place, plan, load)
  let buyers = 0
  for (let turn = 1; turn <= turns; turn++) {
    for (let i = 0; i < ARRIVALS_MAX; i++) {
      if (!random.chance(load / ARRIVALS_MAX)) continue
      const ticket = { buyer: ++buyers, isMember: random.chance(MEMBERS) }
      place.record({ did: 'CAME', ...ticket, turn, load, at: now() })
      const priority = ticket.isMember ? 1 : 0
      channel.sendToQueue(desk.expect(ticket), Buffer.from(JSON.stringify(ticket)), { priority })
    }
    await channel.waitForConfirms()
    const ticket = await desk.next(turn)
    if (ticket) place.record({ did: 'SERVED', ...ticket, turn, load, at: now() })
  }
  await channel.close()
  await desk.close()
}

/** The worker: what the broker has handed to it is in its hands, and is no longer sorted by the queue. */
async function openDesk({ broker }: Place<Step>, { queues, queueOf, prefers, prefetch }: Plan, load: number) {
  const channel = await broker.createChannel()
  await channel.prefetch(prefetch)
  const lines = queues.map(({ name }) => ({
    name: `${name}.${load}`,
    /** Sent and not yet served. */
    waiting: 0,
    inHand: [] as ConsumeMessage[],
    onMessage: () => {},
  }))
  for (const [i, line] of lines.entries()) {
    const priorities = queues[i]?.priorities
    await channel.assertQueue(line.name, priorities ? { arguments: { 'x-max-priority': priorities } } : {})
    await channel.consume(line.name, (message) => {
      if (message) line.inHand.push(message)
      line.onMessage()
    })
  }
  return {
    /** @returns the queue of this buyer, who will come from there */
    expect({ isMember }: Ticket): string {
      const line = lines[queueOf(isMember)]
      if (!line) throw new Error('There is no such queue.')
      line.waiting += 1
      return line.name
    },
    async next(turn: number): Promise<Ticket | undefined> {
      const preferred = lines[prefers(turn)]
      const line = preferred?.waiting ? preferred : lines.find(({ waiting }) => waiting > 0)
      if (!line) return undefined
      while (line.inHand.length === 0) await new Promise<void>((resolve) => (line.onMessage = resolve))
      const message = line.inHand.shift()
      if (!message) return undefined
      line.waiting -= 1
      channel.ack(message)
      return JSON.parse(message.content.toString()) as Ticket
    },
    close: () => channel.close(),
  }
}
