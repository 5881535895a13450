export type Language = 'en' | 'zh'
export type Words = Record<Language, string>

/** What the frame itself says. */
export const WORDS = {
  question: { en: 'Question', zh: '问题' },
  predict: { en: 'Predict', zh: '先猜' },
  number: { en: 'a number', zh: '一个数' },
  BREAKS: { en: 'breaks', zh: '出错' },
  HOLDS: { en: 'holds', zh: '成立' },
  unexpected: { en: 'not as promised', zh: '与说好的不符' },
  asPromised: {
    en: 'All of it came as promised: ✗ without the protection, ✓ with it.',
    zh: '一切如约：没有保护的 ✗，有保护的 ✓。',
  },
  notAsPromised: { en: 'Not all of it came as promised.', zh: '有的与说好的不符。' },
  predicted: { en: 'You predicted', zh: '你的预测' },
  came: { en: 'it came to', zh: '实际结果' },
  results: { en: 'Results', zh: '结果' },
  task: { en: 'Now you', zh: '轮到你了' },
  hint: { en: 'Hint', zh: '提示' },
  noMoreHints: {
    en: 'That was the last hint; solution.ts has the answer.',
    zh: '没有更多提示了；答案在 solution.ts。',
  },
  noExercise: { en: 'This lab has no exercise.', zh: '这个实验没有练习。' },
  solved: { en: 'Solved: every property holds.', zh: '做对了：每条性质都成立。' },
  shop: { en: 'Where in the shop', zh: '商城里在哪里' },
  starting: { en: 'Starting the servers of the lab …', zh: '正在启动实验用的服务器……' },
  stopping: { en: 'Stopping the servers of the lab …', zh: '正在停止实验用的服务器……' },
} satisfies Record<string, Words>

/** Chinese where the terminal says so. */
export const languageOf = ({ LC_ALL, LC_MESSAGES, LANG }: NodeJS.ProcessEnv): Language =>
  /^zh/i.test(LC_ALL || LC_MESSAGES || LANG || '') ? 'zh' : 'en'
