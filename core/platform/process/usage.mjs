import { readFileSync } from 'node:fs'

/**
 * The usage of a command: the comment at the top of its file. Plain JavaScript without dependencies, because
 * dev/prepare.mjs prints it before dependencies are installed.
 * @param {string} file
 * @returns {string}
 */
export function usageOf(file) {
  const [, comment = ''] = /^\/\*\*(.*?)\*\//s.exec(readFileSync(file, 'utf8')) ?? []
  return comment
    .split('\n')
    .map((line) => line.replace(/^ \* ?/, ''))
    .join('\n')
    .trim()
}

/**
 * @param {string[]} args
 * @returns {boolean}
 */
export const asksForHelp = (args) => args.includes('--help') || args.includes('-h')
