import { eventually } from '../../test/support/eventually.ts'
import type { Place } from '../frame/place.ts'
import type { Step } from './step.ts'

const GROUPS = ['family', 'work', 'chess']
const PEOPLE = ['Ann', 'Bo', 'Chen', 'Dai', 'Eve', 'Fang']
const CHAT = 'chat'

/** Sends messages to groups. Each person is in two of the three. @param queueOf where a person reads a group */
export async function chat(place: Place<Step>, queueOf: (person: string, group: string) => string): Promise<void> {
  const { broker, now, random } = place
  const channel = await broker.createConfirmChannel()
  await channel.assertExchange(CHAT, 'direct')
  const membersOf = new Map(GROUPS.map((group, i) => [group, PEOPLE.filter((_, j) => j % 3 !== i)]))
  const readers = new Set<string>()
  let reads = 0
  for (const [group, members] of membersOf)
    for (const person of members) {
      const queue = queueOf(person, group)
      if (readers.has(`${person} ${queue}`)) continue
      readers.add(`${person} ${queue}`)
      await channel.assertQueue(queue)
      const onMessage = (message: { content: Buffer } | null) => {
        if (!message) return
        place.record({ did: 'READ', person, message: Number(message.content), at: now() })
        reads += 1
      }
      await channel.consume(queue, onMessage, { noAck: true })
    }
  // A queue gets a copy of each message whose group it is bound to.
  for (const [group, members] of membersOf)
    for (const person of members) await channel.bindQueue(queueOf(person, group), CHAT, group)

  let copies = 0
  const count = place.amount(100, 30)
  for (let message = 1; message <= count; message++) {
    const group = random.pick(GROUPS)
    const members = membersOf.get(group) ?? []
    place.record({ did: 'SENT', message, group, members, at: now() })
    copies += new Set(members.map((person) => queueOf(person, group))).size
    channel.publish(CHAT, group, Buffer.from(String(message)))
  }
  await channel.waitForConfirms()
  // Each copy is delivered once, rightly or wrongly: the queues are empty then.
  await eventually(
    'all copies',
    () => reads,
    (count) => count >= copies,
  )
}
