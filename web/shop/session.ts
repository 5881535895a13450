import type { z } from 'zod'
import type { Session } from '../../core/contracts/session.ts'
import { ask, type Refusal } from '../shared/api.ts'
import { remembered } from '../shared/remembered.ts'
import { useStore } from '../shared/store.ts'

export interface SignedIn extends z.infer<typeof Session> {
  name: string
}

/** As JSON; '' when signed out. All tabs follow. */
const kept = remembered('seckill.session', (value) => (value && read(value) ? value : ''))

function read(value: string): SignedIn | undefined {
  try {
    const session = JSON.parse(value) as Partial<SignedIn>
    return session.token && session.userId && session.name ? (session as SignedIn) : undefined
  } catch {
    return undefined
  }
}

export function useSession(): SignedIn | undefined {
  return read(useStore(kept))
}

export function signOut(): void {
  kept.set('')
}

/** Demo mode only: a name is enough. @returns why it was refused, or undefined when signed in. */
export async function signIn(name: string): Promise<Refusal | undefined> {
  const answer = await ask<z.infer<typeof Session>>('/sessions', { method: 'POST', body: { name } })
  if (!answer.ok) return answer.refusal
  kept.set(JSON.stringify({ ...answer.body, name }))
  return undefined
}
