import { adminToken } from '../session.ts'
import { useWords } from '../words/words.ts'
import { Field } from './panel.tsx'

export function SignIn({ isRefused }: { isRefused: boolean }) {
  const { signIn: words } = useWords()
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    const token = new FormData(event.currentTarget as HTMLFormElement).get('token')
    if (typeof token !== 'string') return
    // The same wrong one again is another attempt.
    adminToken.set('')
    adminToken.set(token.trim())
  }
  return (
    <main class="sign-in">
      <form class="panel" onSubmit={submit}>
        <h1>{words.title}</h1>
        <Field label={words.token} type="password" name="token" autocomplete="off" aria-describedby="token-hint" />
        <p class="hint" id="token-hint">
          {words.hint}
        </p>
        <p class="refused" role="alert">
          {isRefused && words.refused}
        </p>
        <button class="button">{words.open}</button>
      </form>
    </main>
  )
}
