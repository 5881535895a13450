import { useState } from 'preact/hooks'
import type { Refusal } from '../../shared/api.ts'
import { signIn } from '../session.ts'
import { useWords } from '../words/words.ts'
import { Advice } from './advice.tsx'

/** By name, as the demo allows. */
export function SignIn() {
  const words = useWords()
  const [name, setName] = useState('')
  const [refusal, setRefusal] = useState<Refusal | undefined>()
  const [isAsking, setAsking] = useState(false)

  async function submit(event: SubmitEvent): Promise<void> {
    event.preventDefault()
    if (isAsking || name.trim() === '') return
    setAsking(true)
    setRefusal(await signIn(name.trim()))
    setAsking(false)
  }

  return (
    <form
      class="sign-in"
      onSubmit={(event) => {
        void submit(event)
      }}
    >
      <h2>{words.signIn.title}</h2>
      <div class="field">
        <label for="name">{words.signIn.name}</label>
        <input
          id="name"
          value={name}
          required
          maxLength={40}
          autocomplete="nickname"
          aria-describedby="name-hint"
          onInput={({ currentTarget }) => setName(currentTarget.value)}
        />
      </div>
      <p id="name-hint" class="hint">
        {words.signIn.hint}
      </p>
      <button class="button" aria-disabled={isAsking}>
        {words.signIn.enter}
      </button>
      {refusal && <SignInRefusal refusal={refusal} />}
    </form>
  )
}

function SignInRefusal({ refusal }: { refusal: Refusal }) {
  const words = useWords()
  if (refusal.code === 'INVALID_REQUEST')
    return (
      <p class="hint" role="alert">
        {words.signIn.bad}
      </p>
    )
  // Without demo mode the shop has no sign-in of its own.
  if (refusal.code === 'NOT_FOUND')
    return (
      <p class="hint" role="alert">
        {words.signIn.elsewhere}
      </p>
    )
  return <Advice code={refusal.code} />
}
