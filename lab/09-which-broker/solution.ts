import type { StoryId } from './stories.ts'
import type { Candidate } from './topic.ts'

/** For each story of stories.ts a broker that fits; others may, too. */
export const choices: Record<StoryId, Candidate> = {
  timeouts: 'quorum',
  search: 'kafka',
  mails: 'quorum',
  ledger: 'postgres',
  clicks: 'redis',
}
