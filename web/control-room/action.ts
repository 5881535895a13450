import { useState } from 'preact/hooks'
import { ask, type Call, type Refusal } from '../shared/api.ts'
import { OPERATOR_HEADER } from '../../core/contracts/control-room.ts'
import { adminToken, operatorName } from './session.ts'

export interface Action {
  isBusy: boolean
  /** Why the last one was not done. */
  refusal: Refusal | undefined
  /** @returns the answer's body, or undefined when it was refused */
  act: <Body>(path: string, call?: Omit<Call, 'token'>) => Promise<Body | undefined>
}

/** Something that a person asks the control room to do, one at a time. */
export function useAction(): Action {
  const [isBusy, setBusy] = useState(false)
  const [refusal, setRefusal] = useState<Refusal>()
  return {
    isBusy,
    refusal,
    async act<Body>(path: string, call: Omit<Call, 'token'> = {}) {
      setBusy(true)
      const headers = { ...call.headers, [OPERATOR_HEADER]: encodeURIComponent(operatorName.get().trim()) }
      const answer = await ask<Body>(path, { ...call, headers, token: adminToken.get() })
      setBusy(false)
      setRefusal(answer.ok ? undefined : answer.refusal)
      return answer.ok ? answer.body : undefined
    },
  }
}
