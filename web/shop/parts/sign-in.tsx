import { useState } from 'preact/hooks'
import type { Refusal } from '../../shared/api.ts'
import { signIn } from '../session.ts'
import { useWords } from '../words/words.ts'
import { Advice } from './advice.tsx'
import { Field } from './field.tsx'

/** By name, as the demo allows. */
export function SignIn() {
  const { signIn: words } = useWords()
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
    <form class="sign-in" onSubmit={(event) => void submit(event)}>
      <h2>{words.title}</h2>
      <Field
        id="name"
        label={words.name}
        hint={words.hint}
        value={name}
        required
        maxLength={40}
        autocomplete="nickname"
        onText={setName}
      />
      <button class="button" aria-disabled={isAsking}>
        {words.enter}
      </button>
      {refusal && <SignInRefusal code={refusal.code} />}
    </form>
  )
}

function SignInRefusal({ code }: Pick<Refusal, 'code'>) {
  const { signIn: words } = useWords()
  // NOT_FOUND: without demo mode the shop has no sign-in of its own.
  const text = code === 'INVALID_REQUEST' ? words.bad : code === 'NOT_FOUND' ? words.elsewhere : undefined
  if (!text) return <Advice code={code} />
  return (
    <p class="hint" role="alert">
      {text}
    </p>
  )
}
