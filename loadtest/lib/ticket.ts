import encoding from 'k6/encoding'
import type { Buyer } from './buyer.ts'
import { type Answer, requestChallenge, requestTicket } from './shop.ts'

/** The parameters that solving takes, of the ALTCHA protocol. */
interface Challenge {
  parameters: { nonce: string; salt: string; cost: number; keyLength: number; keyPrefix: string }
}

/**
 * A ticket for the buyer's purchase under that key, after the work that the sale asks for. Undefined when it is
 * refused; k6 solves some hundred tries a second.
 */
export async function fetchTicket(saleId: string, buyer: Buyer, key = buyer.id): Promise<string | undefined> {
  const asked = requestTicket(saleId, buyer, key)
  if (asked.status !== 403 || asked.json('code') !== 'PROOF_REQUIRED') return ticketIn(asked)
  const given = requestChallenge(saleId, buyer, key)
  if (given.status !== 200) return undefined
  return ticketIn(requestTicket(saleId, buyer, key, await proofOf(given.json() as unknown as Challenge)))
}

const ticketIn = (answer: Answer) => (answer.status === 201 ? String(answer.json('ticket')) : undefined)

/** The ALTCHA protocol, as its libraries solve it: the counter whose key begins with the prefix. */
async function proofOf(challenge: Challenge): Promise<string> {
  const { nonce, salt, cost, keyLength, keyPrefix } = challenge.parameters
  const password = new Uint8Array([...bytesOf(nonce), 0, 0, 0, 0])
  const deriving = { name: 'PBKDF2', hash: 'SHA-256', salt: bytesOf(salt), iterations: cost }
  for (let counter = 0; ; counter++) {
    new DataView(password.buffer).setUint32(password.length - 4, counter)
    const key = await crypto.subtle.importKey('raw', password, { name: 'PBKDF2' }, false, ['deriveBits'])
    const derivedKey = hexOf(new Uint8Array(await crypto.subtle.deriveBits(deriving, key, keyLength * 8)))
    if (derivedKey.startsWith(keyPrefix))
      return encoding.b64encode(JSON.stringify({ challenge, solution: { counter, derivedKey } }))
  }
}

const bytesOf = (hex: string) => new Uint8Array((hex.match(/../g) ?? []).map((byte) => Number.parseInt(byte, 16)))
const hexOf = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
