import type { Property } from '../frame/lab.ts'
import type * as Work from './exercise.ts'
import { SAVED } from './saved.ts'
import { STORIES, type StoryId } from './stories.ts'
import { NAMES } from './topic.ts'

/** Compares each choice with what the table in docs/which-broker.md has measured. */
export function check({ choices }: typeof Work): Property[] {
  return Object.entries(STORIES).map(([id, { tells, needs }]) => {
    const choice = choices[id as StoryId]
    const row = SAVED.rows.find(({ candidate }) => candidate === choice)
    if (!row) {
      const known = SAVED.rows.map(({ candidate }) => candidate).join(', ')
      return {
        name: tells,
        holds: false,
        says: { en: `expected one of ${known}; got "${choice}"`, zh: `应为 ${known} 之一，却是“${choice}”` },
      }
    }
    const missing = needs.filter(({ isMetBy }) => !isMetBy(row, SAVED.rows))
    const fitting = SAVED.rows.filter((each) => needs.every(({ isMetBy }) => isMetBy(each, SAVED.rows)))
    return {
      name: tells,
      holds: missing.length === 0,
      says: {
        en:
          `${NAMES[row.candidate]} was not seen to ${missing.map(({ name }) => name.en).join(' or to ')}; ` +
          `${fitting.length} of ${SAVED.rows.length} candidates can do all that this story needs`,
        zh:
          `${NAMES[row.candidate]} 没有做到：${missing.map(({ name }) => name.zh).join('、')}；` +
          `${SAVED.rows.length} 种里有 ${fitting.length} 种满足这个故事的全部要求`,
      },
    }
  })
}
