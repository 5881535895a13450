/** A process of the subscriber for as long as the command that started it lives, which it drains at the end of. */
process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
await import('../../subscribers/main.ts')
