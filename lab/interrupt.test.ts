import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { execa } from 'execa'
import { expect, onTestFinished, test } from 'vitest'
import type { LabEvent } from '../core/contracts/labs.ts'
import { shortOrLong } from '../test/support/thoroughness.ts'
import { findLabs } from './frame/find-labs.ts'

const labs = (await findLabs()).map(({ name }) => name)
/** Behind the command stands the whole environment. */
const LINE_MAX = 120
/** It starts processes of its own, in plenty. */
const ONE = 'write-one'

test.each(shortOrLong([ONE], labs))(
  'Ctrl-C in the middle of %s leaves no process and no folder behind',
  async (name) => {
    const temporary = await mkdtemp(join(tmpdir(), 'interrupted-lab-'))
    onTestFinished(() => rm(temporary, { recursive: true }))
    await chmod(temporary, 0o711) // The servers of root run as another user.
    const lab = execa('node', ['dev/run.mjs', 'lab/main.ts', name, '--json', '--yes'], {
      env: { TMPDIR: temporary },
      detached: true,
      reject: false,
      buffer: false,
      stderr: 'inherit',
    })
    onTestFinished(() => void lab.kill('SIGKILL'))
    for await (const line of createInterface(lab.stdout)) {
      const event = JSON.parse(line) as LabEvent
      if (event.type === 'entries') break
    }
    // A terminal signals the whole group.
    process.kill(-(lab.pid ?? 0), 'SIGINT')
    const { exitCode } = await lab
    expect(exitCode).toBe(2)
    expect(await processesOf(temporary)).toEqual([])
    // The loader of TypeScript keeps what it has compiled in a folder of its own.
    expect((await readdir(temporary)).filter((folder) => !folder.startsWith('tsx-'))).toEqual([])
  },
)

/** Those that have the folder in their command or environment. */
async function processesOf(folder: string): Promise<string[]> {
  const { stdout } = await execa('ps', ['axeww', '-o', 'pid=,command='])
  const lines = stdout.split('\n').filter((line) => line.includes(folder))
  return lines.map((line) => line.slice(0, LINE_MAX))
}
