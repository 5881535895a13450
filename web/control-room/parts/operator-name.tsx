import { operatorName, useOperatorName } from '../session.ts'
import { useWords } from '../words/words.ts'
import { Field } from './panel.tsx'

const NAME_LENGTH_MAX = 60

/** Who works on this page, for the log of changes. */
export function OperatorName() {
  const { changes: words } = useWords()
  return (
    <Field
      label={words.operator}
      name="operator"
      autocomplete="name"
      required={false}
      maxLength={NAME_LENGTH_MAX}
      value={useOperatorName()}
      onInput={({ currentTarget }) => operatorName.set(currentTarget.value)}
    />
  )
}
