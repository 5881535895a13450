import { describe, expect, test } from 'vitest'
import { deadReferences } from './links.ts'
import { parsePage } from './page.ts'
import { rowsWithoutProof } from './proofs.ts'
import { differences } from './translation.ts'

const ENGLISH = `# Lemons

Peel them with \`peel.ts\`, see [juice](juice.md#how-to-press).

## Press

\`\`\`sh
npm run press -- --hard    # takes a minute
\`\`\`

![A press](press-en.png)

### Wash

\`\`\`mermaid
stateDiagram-v2
  WHOLE --> PRESSED: by hand
\`\`\`
`

const CHINESE = `# 柠檬

用 \`peel.ts\` 去皮，见[果汁](juice.md#如何榨汁)。

## 榨

\`\`\`sh
npm run press -- --hard    # 一分钟
\`\`\`

![榨汁机](press-zh.png)

### 洗

\`\`\`mermaid
stateDiagram-v2
  WHOLE --> PRESSED: 手工
\`\`\`
`

const JUICE = parsePage('docs/juice.md', '# Juice\n\n## How to press\n\n## Pulp')

function compare(english: string, chinese: string): string[] {
  const original = parsePage('docs/lemons.md', english)
  const translation = parsePage('docs/zh/lemons.md', chinese)
  return differences(original, translation)
}

/** The Chinese document with one thing in it changed. */
function changed(from: string, to: string): string {
  expect(CHINESE).toContain(from)
  return CHINESE.replace(from, to)
}

describe('a translation', () => {
  test('may differ in words, comments, labels of diagrams and pictures', () => {
    expect(compare(ENGLISH, CHINESE)).toEqual([])
  })

  test.each<[difference: string, translation: string, complaint: string]>([
    ['the level of a heading', changed('### 洗', '## 洗'), 'has "##" under "洗", expected "###" under "Wash"'],
    ['a heading less', changed('### 洗\n', ''), 'has "```mermaid" under "榨", expected "###" under "Wash"'],
    ['a heading more', `${CHINESE}\n## 果皮\n`, 'has "##" under "果皮", expected no more'],
    [
      'a command',
      changed('--hard', '--soft'),
      'has "npm run press -- --soft" under "榨", expected "npm run press -- --hard"',
    ],
    ['a line of code less', changed('  WHOLE --> PRESSED: 手工\n', ''), 'expected "WHOLE --> PRESSED"'],
    ['the language of a code block', changed('```sh', '```ts'), 'has "```ts" under "榨", expected "```sh"'],
    ['a code block more', `${CHINESE}\n\`\`\`sh\nls\n\`\`\`\n`, 'has "```sh" under "洗", expected no more'],
    ['code within a sentence', changed('`peel.ts`', '`pell.ts`'), 'the code peel.ts is missing'],
    ['code within a sentence that is left out', changed('`peel.ts`', '刀'), 'the code peel.ts is missing'],
    ['a link left out', changed('[果汁](juice.md#如何榨汁)', '果汁'), 'the link to docs/juice.md is missing'],
    [
      'a link to the original instead of its translation',
      changed('juice.md#如何榨汁', '../juice.md#how-to-press'),
      'the link to docs/zh/juice.md is not in the original',
    ],
  ])('is refused for %s', (_, translation, complaint) => {
    expect(compare(ENGLISH, translation)).toContainEqual(expect.stringContaining(complaint))
  })

  test('may differ in what a command generates', () => {
    const generated = (words: string) => `\n<!-- bench:begin -->\n${words} \`figures.json\`\n<!-- bench:end -->\n`
    expect(compare(ENGLISH + generated('By `npm`:'), CHINESE + generated('由'))).toEqual([])
  })
})

describe('a document', () => {
  const complaintsAbout = (text: string) =>
    deadReferences(parsePage('docs/lemons.md', text), {
      exists: (path) => ['docs/juice.md', 'docs/press.png', 'core/peel.ts', 'core/'].includes(path),
      pages: new Map([[JUICE.path, JUICE]]),
      scripts: ['press'],
      folders: ['core'],
    })

  test('may refer to what exists, and to other sites', () => {
    const text =
      '[a](juice.md) [b](juice.md#how-to-press) [c](https://example.org/) ![d](press.png) `core/peel.ts` `core/` `n/a` `npm run press`'
    expect(complaintsAbout(text)).toEqual([])
  })

  test.each<[reference: string, text: string]>([
    ['a link', '[a](juices.md)'],
    ['an anchor', '[a](juice.md#how-to-squeeze)'],
    ['a picture', '![a](pres.png)'],
    ['a path', '`core/pell.ts`'],
    ['a folder', '`core/lemons/`'],
    ['a script', '`npm run squeeze`'],
    ['a script in a code block', '```sh\nnpm run -s squeeze\n```'],
  ])('is refused for %s that does not exist', (_, text) => {
    expect(complaintsAbout(text)).toHaveLength(1)
  })

  test('has the anchors that GitHub gives it', () => {
    const { anchors } = parsePage('x.md', '# Where? “Here”, `now`\n# 买一件\n# 买一件')
    expect(anchors).toEqual(['where-here-now', '买一件', '买一件-1'])
  })
})

test('a row of a table of faults that names no test is found', () => {
  const table = `| fault | the buyer sees | test |
|---|---|---|
| killed | nothing | [dies](dies.test.ts) |
| paused | nothing | seen once |
| several | nothing | [chaos](../test/faults/chaos/main.ts) |

| what | where |
|---|---|
| a shop | here |`
  expect(rowsWithoutProof(table)).toEqual(['paused'])
})
