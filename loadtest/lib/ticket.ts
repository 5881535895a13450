import { sleep } from 'k6'
import encoding from 'k6/encoding'
import { comeBackMs } from '../../core/contracts/come-back.ts'
import type { Buyer } from './buyer.ts'
import { type Answer, requestChallenge, requestTicket } from './shop.ts'

/** The parameters that solving takes, of the ALTCHA protocol. */
interface Challenge {
  parameters: { nonce: string; salt: string; cost: number; keyLength: number; keyPrefix: string }
}

/** Of one request, by an address that is limited. */
const ASKED_MAX = 20

interface Fetching {
  /** Of the purchase. */
  key?: string
  /** Called after the work with how many tries it took: a scenario may wait as long as a device would have worked. */
  onSolved?: (tries: number) => void
}

/**
 * A ticket for the buyer's purchase under that key, after the work that the sale asks for. Undefined when it is
 * refused; k6 solves some hundred tries a second.
 */
export async function fetchTicket(
  saleId: string,
  buyer: Buyer,
  { key = buyer.id, onSolved = () => {} }: Fetching = {},
): Promise<string | undefined> {
  const asked = unlimited(() => requestTicket(saleId, buyer, key))
  if (asked.status !== 403 || asked.json('code') !== 'PROOF_REQUIRED') return ticketIn(asked)
  const given = unlimited(() => requestChallenge(saleId, buyer, key))
  if (given.status !== 200) return undefined
  const { proof, tries } = await solve(given.json() as unknown as Challenge)
  onSolved(tries)
  return ticketIn(unlimited(() => requestTicket(saleId, buyer, key, proof)))
}

/** Asks again as often as the address has asked for too many tickets. */
function unlimited(ask: () => Answer): Answer {
  let answer = ask()
  for (let times = 1; answer.status === 429 && times < ASKED_MAX; times++) {
    sleep(comeBackMs(times, Number(answer.headers['Retry-After'] ?? 1) * 1_000) / 1_000)
    answer = ask()
  }
  return answer
}

const ticketIn = (answer: Answer) => (answer.status === 201 ? String(answer.json('ticket')) : undefined)

/** The ALTCHA protocol, as its libraries solve it: the counter whose key begins with the prefix. */
async function solve(challenge: Challenge): Promise<{ proof: string; tries: number }> {
  const { nonce, salt, cost, keyLength, keyPrefix } = challenge.parameters
  const password = new Uint8Array([...bytesOf(nonce), 0, 0, 0, 0])
  const deriving = { name: 'PBKDF2', hash: 'SHA-256', salt: bytesOf(salt), iterations: cost }
  for (let counter = 0; ; counter++) {
    new DataView(password.buffer).setUint32(password.length - 4, counter)
    const key = await crypto.subtle.importKey('raw', password, { name: 'PBKDF2' }, false, ['deriveBits'])
    const derivedKey = hexOf(new Uint8Array(await crypto.subtle.deriveBits(deriving, key, keyLength * 8)))
    if (derivedKey.startsWith(keyPrefix))
      return {
        proof: encoding.b64encode(JSON.stringify({ challenge, solution: { counter, derivedKey } })),
        tries: counter + 1,
      }
  }
}

const bytesOf = (hex: string) => new Uint8Array((hex.match(/../g) ?? []).map((byte) => Number.parseInt(byte, 16)))
const hexOf = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
