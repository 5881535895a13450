import { parseArgs, type ParseArgsConfig } from 'node:util'
import { asksForHelp, usageOf } from './usage.mjs'

type Options = NonNullable<ParseArgsConfig['options']>
type Parsed<Known extends Options> = ReturnType<
  typeof parseArgs<{ options: Known; allowPositionals: true; strict: true }>
>

/** The usual exit code for wrong usage; 1 reports a negative finding of the command. */
const EXIT_USAGE = 2

/**
 * Parses the command line of this process. Every command calls it first, so that a typo starts nothing: `--help` prints
 * the usage, which is the comment at the top of the command's file, and exits with 0; an unknown option or a wrong
 * number of arguments prints the error and the usage, and exits with 2.
 * @param options as `parseArgs` of node:util takes them
 * @param operands minimum and maximum number of positional arguments; none by default
 */
export function commandLine<const Known extends Options = Record<string, never>>(
  options?: Known,
  operands: [least: number, most: number] = [0, 0],
): Parsed<Known> {
  for (const output of [process.stdout, process.stderr]) output.on('error', ignoreReaderGone)
  const args = process.argv.slice(2)
  if (asksForHelp(args)) {
    process.stdout.write(`${usage()}\n`)
    process.exit(0)
  }
  const parsed = parsedOrRefused(args, options ?? ({} as Known))
  const { positionals } = parsed
  const [least, most] = operands
  if (positionals.length > most) refuse(`Unexpected argument "${positionals[most]}".`)
  if (positionals.length < least) refuse('An argument is missing.')
  return parsed
}

/** A reader may leave before the end, as `head` does: the command ends what it does, and exits with its own code. */
function ignoreReaderGone(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error
}

/** Prints the error and the usage of the command, and exits with 2. */
export function refuse(sentence: string): never {
  process.stderr.write(`${sentence}\n\n${usage()}\n`)
  process.exit(EXIT_USAGE)
}

/** Parses the number of an option; exits with 2 when it is no number or out of bounds. */
export function numberOf(
  option: string,
  text: string,
  [least, most]: [least: number, most: number],
  { isWhole = true } = {},
): number {
  const number = Number(text)
  const fits = text.trim() !== '' && number >= least && number <= most && (!isWhole || Number.isInteger(number))
  return fits
    ? number
    : refuse(`${option}: expected a ${isWhole ? 'whole ' : ''}number from ${least} to ${most}, got "${text}".`)
}

function parsedOrRefused<Known extends Options>(args: string[], options: Known): Parsed<Known> {
  try {
    return parseArgs({ args, options, allowPositionals: true, strict: true })
  } catch (error) {
    // Only the first sentence: the rest of node's message is advice on arguments that begin with a dash.
    return refuse(`${(error as Error).message.split('. ')[0]?.replace(/\.$/, '')}.`)
  }
}

const usage = () => usageOf(process.argv[1] ?? '')
