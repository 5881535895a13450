import type { Guard } from '../guard.ts'

const FAILOVER = 'test/faults/postgres-failover.long.test.ts'

/** Servers of several nodes: which one is used. */
export const clusterGuards: Guard[] = [
  {
    rule: 'a lost connection to the broker moves on to the next node',
    file: 'core/platform/rabbit/connection.ts',
    text: "  connection.on('reconnect-scheduled', () => Object.assign(address, nextBroker()))\n",
    without: '',
    tests: { file: 'core/platform/rabbit/connection.test.ts', named: 'of a list of nodes' },
  },
  {
    rule: 'production checks the password of every node',
    file: 'core/platform/process/production-checks.ts',
    text: '(value).map(passwordFault).find(Boolean)',
    without: '(value).slice(0, 1).map(passwordFault)[0]',
    tests: { file: 'core/platform/process/production-checks.test.ts', named: 'production refuses RABBITMQ_URL' },
  },
  {
    rule: 'a queue whose leader does not answer is not counted as empty',
    file: 'core/platform/rabbit/depth-reader.ts',
    text: 'return isNoAnswer ? await depthByLeader(questions, queue) : checked.messageCount',
    without: 'return isNoAnswer ? 0 : checked.messageCount',
    tests: { file: 'test/faults/broker-down.long.test.ts', named: 'a queue whose leader does not answer' },
  },
  {
    rule: 'no service works on a standby',
    file: 'core/platform/stores/database-session.ts',
    text: "  if (session.is_standby === 'true') throw new UnusableSession(STANDBY)\n",
    without: '',
    tests: { file: FAILOVER, named: 'of a list the primary is found' },
  },
  {
    rule: 'after a failover the next primary is looked for',
    file: 'core/platform/stores/primary.ts',
    text: '        if (error) this.lost()\n',
    without: '',
    tests: { file: FAILOVER, named: 'the primary is killed' },
  },
  {
    rule: 'the first connection is to the primary',
    file: 'core/platform/stores/connect-database.ts',
    text: '    await this.#primary.find()\n',
    without: '',
    tests: { file: FAILOVER, named: 'of a list the primary is found' },
  },
]
