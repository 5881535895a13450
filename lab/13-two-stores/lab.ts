import { barPerSide } from '../frame/chart.ts'
import { clock } from '../frame/figures.ts'
import type { Lab } from '../frame/lab.ts'
import { type Entry, notingFirst, renameAll, undoing, withoutUndoing } from './ways.ts'

export const lab: Lab<Entry> = {
  title: { en: 'An extra: two stores', zh: '附加：两个存储' },
  question: {
    en: 'A sale is renamed in PostgreSQL and then in its copy in Redis, and the second step fails: what do both say?',
    zh: '先在 PostgreSQL 里给场次改名，再改 Redis 里的副本，第二步失败：两边各是什么？',
  },
  prediction: {
    ask: {
      en:
        'The second step of 20 of 60 renames fails, and the first is undone then. How many differ if the process ' +
        'dies in between instead?',
      zh: '60 次改名中有 20 次第二步失败，失败就撤回第一步。如果不是失败，而是进程死在中间，有几次两边不一致？',
    },
    answer: ({ 'undo-dies': side }) => side?.verdict.figures.differ,
  },

  sides: {
    'no-undo': {
      name: { en: 'nothing is undone; Redis refuses', zh: '什么也不撤回；Redis 拒绝' },
      expected: 'BREAKS',
      run: (place) => renameAll(place, withoutUndoing, 'REFUSED'),
    },
    'undo-dies': {
      name: { en: 'the first step is undone; the process dies in between', zh: '撤回第一步；进程死在中间' },
      expected: 'BREAKS',
      run: (place) => renameAll(place, undoing, 'DIED'),
    },
    undo: {
      name: { en: 'the first step is undone; Redis refuses', zh: '撤回第一步；Redis 拒绝' },
      expected: 'HOLDS',
      run: (place) => renameAll(place, undoing, 'REFUSED'),
    },
    'note-first': {
      name: {
        en: 'the second step is noted with the first; the process dies in between',
        zh: '第一步同时记下第二步；进程死在中间',
      },
      expected: 'HOLDS',
      run: (place) => renameAll(place, notingFirst, 'DIED'),
    },
  },

  figures: {
    renames: { en: 'renames', zh: '改名' },
    differ: { en: 'row and copy differ', zh: '两边不一致' },
  },

  judge(history) {
    const differing = history.filter(({ row, copy }) => copy !== null && copy !== row)
    const figures = { renames: history.length, differ: differing.length }
    const [first] = differing
    if (first)
      return {
        holds: false,
        figures,
        says: {
          en:
            `${first.sale}, whose rename ${first.answer} at ${clock(first.at)}, is "${first.row}" in PostgreSQL and ` +
            `"${first.copy}" in Redis, and no process knows`,
          zh:
            `${first.sale} 的改名在 ${clock(first.at)} ${first.answer}：PostgreSQL 里是“${first.row}”，Redis ` +
            `里是“${first.copy}”，而且没有进程知道`,
        },
      }
    return {
      holds: true,
      figures,
      says: {
        en: `after ${history.length} renames, row and copy of every sale say the same`,
        zh: `${history.length} 次改名之后，每场的行和副本都一致`,
      },
    }
  },

  chart: (outcomes) => [
    barPerSide({ en: 'Sales of which row and copy differ', zh: '行和副本不一致的场次' }, outcomes, 'differ'),
  ],

  shop: [
    {
      file: 'core/orders/settle-ended.ts',
      quote: 'export async function settleEnded',
      says: {
        en: 'a release that is outstanding is noted in the row: settled_at is null',
        zh: '没做完的释放记在行里：settled_at 为空',
      },
    },
  ],
}
