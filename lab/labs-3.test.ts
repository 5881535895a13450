import { testLabs } from './test-labs.ts'

await testLabs(3)
