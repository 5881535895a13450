import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, inject, test } from 'vitest'
import { drawChart } from './frame/draw-chart.ts'
import { type FoundLab, findLabs, loadWork, locate } from './frame/find-labs.ts'
import type { Outcome } from './frame/lab.ts'
import { shortOrLong } from '../test/support/thoroughness.ts'
import { answerOf, checkWork, runLab, switchesOf } from './frame/run-lab.ts'

const SEED = 1
const isShort = shortOrLong(true, false)
const options = () => ({
  servers: {
    databaseUrl: inject('databaseUrl'),
    templateDatabase: inject('templateDatabase'),
    redisUrl: inject('redisUrl'),
    rabbitmqUrl: inject('rabbitmqUrl'),
    managementUrl: inject('managementUrl'),
  },
  seed: SEED,
  isShort,
})
const pages = ({ folder }: FoundLab) => ({
  en: readFileSync(join(folder, 'README.md'), 'utf8'),
  zh: readFileSync(join(folder, 'README.zh-CN.md'), 'utf8'),
})

function expectAsPromised(outcomes: Outcome[]): void {
  const seen = outcomes.map(({ side, verdict: { holds, says } }) => `${side} ${holds ? 'HOLDS' : `BREAKS: ${says.en}`}`)
  const promised = outcomes.map(({ side, expected }) => expect.stringMatching(`^${side} ${expected}`) as string)
  expect(seen).toEqual(promised)
  expect(outcomes.map(({ expected }) => expected)).toEqual(expect.arrayContaining(['BREAKS', 'HOLDS']))
}

/** Several files share the labs, so that as many workers run them at the same time. */
const PARTS = 3

/** Holds every third lab to both sides. @param part from 1 */
export async function testLabs(part: number): Promise<void> {
  const labs = (await findLabs()).filter((_, i) => i % PARTS === part - 1)

  describe.each(labs)('$id', (lab) => {
    test('without a protection the promised verdict comes, with all of them everything holds', async () => {
      const outcomes = await runLab(lab, options())
      expectAsPromised(outcomes)
      for (const { verdict } of outcomes) {
        expect(Object.keys(lab.figures)).toEqual(expect.arrayContaining(Object.keys(verdict.figures)))
        expect(verdict.says.en).not.toMatch(/undefined|NaN/)
        expect(verdict.says.zh).toMatch(/\p{Script=Han}/u)
        expect(verdict.says.zh).not.toMatch(/undefined|NaN/)
      }
      expect(answerOf(lab, outcomes), 'what came').toBeDefined()
      for (const language of ['en', 'zh'] as const) expect(drawChart(lab.chart(outcomes), language)).toMatch(/^<svg/)
    })

    test.for(shortOrLong([], switchesOf(lab)))(
      'with %s off the promised verdict comes, with every other fault, too',
      async (off) => {
        expectAsPromised(await runLab(lab, { ...options(), off }))
      },
    )

    test('it links to lines of the shop that are there, from both READMEs', () => {
      expect(lab.shop.length).toBeGreaterThan(0)
      for (const line of lab.shop) {
        expect(locate(line)).toMatch(/:\d+$/)
        for (const page of Object.values(pages(lab))) expect(page).toContain(`](../../${line.file})`)
      }
    })

    test('READMEs and terminal say the same, in both languages', () => {
      for (const language of ['en', 'zh'] as const) {
        const page = pages(lab)[language].replaceAll('\n', language === 'en' ? ' ' : '')
        expect(page).toContain(`# ${lab.title[language]}`)
        expect(page).toContain(lab.question[language])
        expect(page).toContain(`npm run lab -- ${lab.name}`)
        expect(page).toContain(lab.exercise?.task[language] ?? '')
        for (const off of switchesOf(lab)) expect(page).toContain(`\`${off}\``)
      }
    })
  })

  describe.each(labs.filter(({ exercise }) => exercise))('$id', (lab) => {
    test('the exercise fails with a sentence that helps, and its solution passes', async () => {
      const given = await checkWork(lab, await loadWork(lab, 'exercise'), options())
      const failed = given.filter(({ holds }) => !holds)
      expect(failed.length).toBeGreaterThan(0)
      for (const { says } of failed) {
        expect(says.en).toMatch(/\w+ \w+ \w+/)
        expect(says.zh).toMatch(/\p{Script=Han}/u)
      }
      const solved = await checkWork(lab, await loadWork(lab, 'solution'), options())
      expect(solved.filter(({ holds }) => !holds)).toEqual([])
      expect(solved.length).toBeGreaterThan(0)
    })
  })
}
