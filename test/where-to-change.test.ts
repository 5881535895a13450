import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { BRAND } from '../core/contracts/brand.ts'

const ROOT = join(import.meta.dirname, '..')
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8')

const SERVICES = ['gateway', 'order-service', 'cancel-worker', 'subscribers', 'control-room']

interface Place {
  /** What is written only where the rule is. */
  marks: RegExp
  within: string[]
  /** All files, tests aside, that contain it. */
  files: string[]
}

/**
 * For each row of README's "Where to change what": what shows that the row names the only place. A row without such a
 * mark has a worked example or a check that the row links to.
 */
const PLACES: Record<string, Place[]> = {
  'price, stock, limit, window and shards of a sale': [
    { marks: /\bsale\.create|\bdata: \{ opensAt/, within: [...SERVICES, 'core'], files: ['control-room/open-sale.ts'] },
  ],
  'settings: limits, times, rates': [
    {
      marks: /process\.env\b/,
      within: [...SERVICES, 'core'],
      // The last two are no settings: they are how tests end a process, and how a process finds its siblings.
      files: [
        'core/platform/process/config.ts',
        'core/platform/http/http-service.ts',
        'core/platform/process/failpoint.ts',
      ],
    },
  ],
  'the risk of a ticket, and who gets none': [
    { marks: /\bCROWDED_ADDRESS:/, within: [...SERVICES, 'core'], files: ['gateway/opening/risk.ts'] },
  ],
  'how many one buyer may buy': [
    {
      marks: /\bfunction limitPerBuyer\b/,
      within: [...SERVICES, 'core'],
      files: ['core/contracts/limit-per-buyer.ts'],
    },
  ],
  'who may buy at all': [
    { marks: /'NOT_ELIGIBLE'$/m, within: [...SERVICES, 'core/orders'], files: ['core/orders/decide.ts'] },
    { marks: /redis\.call\('SMISMEMBER'/, within: ['core', ...SERVICES], files: ['core/stock/reserve.lua'] },
  ],
  'how buyers sign in': [
    { marks: /\btokens\.sign\(/, within: [...SERVICES, 'core'], files: ['gateway/routes/sign-in.ts'] },
  ],
  'the payment provider': [
    {
      marks: /\bdemoProvider\(/,
      within: [...SERVICES, 'core'],
      files: ['order-service/payments/choose-provider.ts', 'order-service/payments/demo-provider.ts'],
    },
  ],
  'the states of an order': [
    { marks: /INSERT INTO orders\b/, within: [...SERVICES, 'core'], files: ['core/orders/record-verdicts.ts'] },
    {
      marks: /UPDATE orders\b[^`]*?\bSET status\b|\.order\.(create|update|upsert)/,
      within: [...SERVICES, 'core'],
      files: ['core/orders/transitions.ts'],
    },
  ],
  'what happens after an order': [],
  'the steps of a purchase, and how they are undone': [
    {
      marks: /\bfunction (turnAfter|moveOf|failureOf)\b/,
      within: [...SERVICES, 'core'],
      files: ['core/orders/saga-chain.ts'],
    },
  ],
  "the product's name": [
    {
      marks: new RegExp(`'${BRAND.en}'`),
      within: [...SERVICES, 'core', 'web', 'payment-provider'],
      files: ['core/contracts/brand.ts'],
    },
  ],
  'the words of the pages': [
    {
      marks: /[\u4e00-\u9fff]/,
      within: ['web'],
      // The last two are the names of the languages, and what a sale's title may contain.
      files: [
        'web/shop/words/zh.ts',
        'web/control-room/words/zh.ts',
        'web/shared/settings-bar.tsx',
        'web/shop/parts/picture.tsx',
      ],
    },
  ],
  'the colours of the pages': [
    {
      marks: /#[0-9a-f]{6}\b/,
      within: ['web'],
      files: ['web/shared/theme.css', 'web/shop/shop.css', 'web/control-room/control-room.css'],
    },
  ],
  'what crosses the broker': [
    {
      marks: /['`]seckill\.(?!subscriber\.<)/,
      within: [...SERVICES, 'core'],
      files: [
        'core/contracts/topology.ts',
        'core/contracts/timeout-topology.ts',
        'core/contracts/subscriber-topology.ts',
      ],
    },
  ],
  'the schema': [],
}

/** Cells of each row of the table under that heading. */
function tableUnder(heading: string, document: string): string[][] {
  const section = read(document).split(`## ${heading}\n`)[1]?.split('\n## ')[0] ?? ''
  const rows = section.split('\n').filter((line) => line.startsWith('| '))
  return rows.slice(1).map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
}

function filesWith({ marks, within }: Place): string[] {
  return within
    .flatMap((room) =>
      readdirSync(join(ROOT, room), { recursive: true, encoding: 'utf8' }).map((file) => join(room, file)),
    )
    .filter((file) => /\.(ts|tsx|lua|css)$/.test(file) && !/\.test\.ts$|^web\/dist\//.test(file))
    .filter((file) => marks.test(read(file)))
}

describe('README says where to change', () => {
  const rows = tableUnder('Where to change what', 'README.md')

  test('what this file knows how to prove, and shows a proof for each', () => {
    expect(rows.map(([what]) => what)).toEqual(Object.keys(PLACES))
    for (const [what, , proof] of rows) expect(proof, what).toMatch(/\]\(|`npm run /)
  })

  test.each(Object.entries(PLACES))('%s: what the row names is the only place', (_, places) => {
    for (const place of places) expect(filesWith(place).sort(), String(place.marks)).toEqual(place.files.toSorted())
  })
})

test('the example of a subscriber in the documents imports what subscribers import', () => {
  const imports = /^import .* from '\.\/(\S+)'$/m.exec(read('docs/subscribers.md'))?.[1] ?? ''
  expect(read(`subscribers/points.ts`)).toContain(`'./${imports}'`)
})
