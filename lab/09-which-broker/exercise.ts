import type { StoryId } from './stories.ts'
import type { Candidate } from './topic.ts'

/** For each story of stories.ts a broker that fits: classic, quorum, stream, redis, postgres or kafka. */
export const choices: Record<StoryId, Candidate> = {
  timeouts: 'kafka', // Many use Kafka: does it fit everywhere?
  search: 'kafka',
  mails: 'kafka',
  ledger: 'kafka',
  clicks: 'kafka',
}
