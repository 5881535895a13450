import { parseArgs, type ParseArgsConfig } from 'node:util'
import { asksForHelp, usageOf } from './usage.mjs'

type Options = NonNullable<ParseArgsConfig['options']>
type Parsed<Given extends Options> = ReturnType<
  typeof parseArgs<{ options: Given; allowPositionals: true; strict: true }>
>

/** What shells and node's own tools take for "used wrongly"; 1 is left to what a command finds. */
const EXIT_USAGE = 2

/**
 * The command line of this process. The first thing that a command of ours does, so that a typo never starts anything:
 * `--help` prints the usage, which is the comment at the top of the command's file, and ends with 0; an unknown option
 * or an argument too many is refused with it.
 * @param options as `parseArgs` of node:util takes them
 * @param operands how many arguments without a name are taken, at least and at most; none when left out
 */
export function commandLine<const Given extends Options = Record<string, never>>(
  options?: Given,
  operands: [least: number, most: number] = [0, 0],
): Parsed<Given> {
  const args = process.argv.slice(2)
  if (asksForHelp(args)) {
    process.stdout.write(`${usage()}\n`)
    process.exit(0)
  }
  const parsed = parsedOrRefused(args, options ?? ({} as Given))
  const {
    positionals: { length },
    positionals,
  } = parsed
  const [least, most] = operands
  if (length > most) refuse(`Unexpected argument "${positionals[most]}".`)
  if (length < least) refuse('An argument is missing.')
  return parsed
}

/** Says what is wrong and how the command is used, and ends the process with 2. */
export function refuse(sentence: string): never {
  process.stderr.write(`${sentence}\n\n${usage()}\n`)
  process.exit(EXIT_USAGE)
}

/** The number that an option was given; refused when it is none or out of bounds. */
export function numberOf(
  option: string,
  given: string,
  [least, most]: [least: number, most: number],
  { isWhole = true } = {},
): number {
  const number = Number(given)
  const fits = given.trim() !== '' && number >= least && number <= most && (!isWhole || Number.isInteger(number))
  return fits
    ? number
    : refuse(`${option}: expected a ${isWhole ? 'whole ' : ''}number from ${least} to ${most}, got "${given}".`)
}

function parsedOrRefused<Given extends Options>(args: string[], options: Given): Parsed<Given> {
  try {
    return parseArgs({ args, options, allowPositionals: true, strict: true })
  } catch (error) {
    // What node adds behind the first sentence is about arguments that begin with a dash.
    return refuse(`${(error as Error).message.split('. ')[0]?.replace(/\.$/, '')}.`)
  }
}

const usage = () => usageOf(process.argv[1] ?? '')
