import { z } from 'zod'

/** PostgreSQL rejects NUL, UTF-8 cannot encode unpaired surrogates, and terminals execute escape sequences in a log. */
const NO_CONTROLS = /^[^\p{Cc}\p{Cs}]*$/u
/**
 * Line separators would forge log lines; bidirectional overrides, embeddings and isolates reorder the text after them.
 */
const ONE_LINE_ONE_DIRECTION = /^[^\p{Zl}\p{Zp}\u202A-\u202E\u2066-\u2069]*$/u
/**
 * Matches a character that is drawn: no space, no lone accent, no zero-width character, filler or blank Braille
 * pattern.
 */
const VISIBLE = /[^\p{Default_Ignorable_Code_Point}\p{Z}\p{M}\u2800]/u

const visible = (text: z.ZodString) =>
  text.regex(VISIBLE, 'expected at least one visible character, got only invisible ones')
const oneLine = (text: z.ZodString) =>
  visible(
    text
      .regex(NO_CONTROLS, 'expected no control characters')
      .regex(ONE_LINE_ONE_DIRECTION, 'expected one line without bidirectional control characters'),
  )

/** Text that a program sends, stored unchanged. */
export const storable = (lengthMax: number) =>
  z.string().min(1).max(lengthMax).regex(NO_CONTROLS, 'expected no control characters')

/** One line that a program sends, in any language, stored unchanged. */
export const printable = (lengthMax: number) =>
  oneLine(z.string().max(lengthMax, `expected at most ${lengthMax} characters`))

const line = (lengthMax: number) => z.string().normalize('NFC').trim().min(1).max(lengthMax)
/**
 * One line that a person types, in any language. It is trimmed and normalised to NFC, so that equal-looking texts are
 * equal.
 */
export const typed = (lengthMax: number) => oneLine(line(lengthMax))

/** Allows combining marks (Thai vowels), joiners (Persian, Sinhala) and the punctuation that occurs in names. */
const NAME = /^[\p{L}\p{M}\p{N}\p{Zs}\p{Pd}'’‘.,_·・\u200C\u200D]*$/u
export const typedName = (lengthMax: number) =>
  visible(line(lengthMax).regex(NAME, "expected letters of any language, digits, spaces and . , _ - ' ·"))
