import { createWords, type Language, language } from './language.ts'
import { useStore } from './store.ts'
import { type Theme, theme } from './theme.ts'

const en = { theme: 'Appearance', auto: 'Auto', light: 'Light', dark: 'Dark', language: 'Language' }
const { useWords } = createWords({
  en,
  zh: { theme: '外观', auto: '自动', light: '浅色', dark: '深色', language: '语言' } satisfies typeof en,
})

const THEMES: Theme[] = ['auto', 'light', 'dark']
/** Each named in its own language: who has to find it cannot read the other. */
const LANGUAGES: [Language, string][] = [
  ['en', 'English'],
  ['zh', '中文'],
]

/** Language and appearance, both remembered. */
export function SettingsBar() {
  const words = useWords()
  const chosenTheme = useStore(theme)
  const chosenLanguage = useStore(language)
  return (
    <div class="settings">
      <label>
        <span class="unseen">{words.theme}</span>
        <select value={chosenTheme} onChange={({ currentTarget }) => theme.set(currentTarget.value as Theme)}>
          {THEMES.map((each) => (
            <option key={each} value={each}>
              {words[each]}
            </option>
          ))}
        </select>
      </label>
      <label>
        <span class="unseen">{words.language}</span>
        <select value={chosenLanguage} onChange={({ currentTarget }) => language.set(currentTarget.value as Language)}>
          {LANGUAGES.map(([each, name]) => (
            <option key={each} value={each} lang={each}>
              {name}
            </option>
          ))}
        </select>
      </label>
    </div>
  )
}
