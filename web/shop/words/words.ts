import { createWords } from '../../shared/language.ts'
import { en } from './en.ts'
import { zh } from './zh.ts'

export const { useWords } = createWords({ en, zh })
