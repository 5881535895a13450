import type { Guard } from '../guard.ts'

const RECONCILING = 'cancel-worker/reconcile.test.ts'

/** The rules of a sale's opening. */
export const openingGuards: Guard[] = [
  {
    rule: 'the reconciler sees that the rules of the opening differ',
    file: 'core/stock/sale-state.ts',
    text: "  'opening',\n",
    without: '',
    tests: { file: RECONCILING, named: 'what Redis says of a sale' },
  },
]
