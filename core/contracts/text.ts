import { z } from 'zod'

/** PostgreSQL takes no NUL, UTF-8 has no unpaired surrogates, and a terminal obeys escape sequences in a log. */
const NO_CONTROLS = /^[^\p{Cc}\p{Cs}]*$/u
/** A second line would end a log's; overrides, embeddings and isolates turn round the text that stands behind. */
const ONE_LINE_ONE_DIRECTION = /^[^\p{Zl}\p{Zp}\u202A-\u202E\u2066-\u2069]*$/u
/** Blanks, accents alone, and what is drawn as nothing: zero-width characters, fillers, an empty braille pattern. */
const VISIBLE = /[^\p{Default_Ignorable_Code_Point}\p{Z}\p{M}\u2800]/u

/** Text of a program's, kept as it is. */
export const storable = (lengthMax: number) =>
  z.string().min(1).max(lengthMax).regex(NO_CONTROLS, 'expected no control characters')

const line = (lengthMax: number) => z.string().normalize('NFC').trim().min(1).max(lengthMax)
const visible = (text: z.ZodString) =>
  text.regex(VISIBLE, 'expected something that can be seen, got only invisible characters')

/**
 * One line that a person types and people read, in any language: trimmed, and composed (NFC), so that what looks the
 * same is the same.
 */
export const typed = (lengthMax: number) =>
  visible(
    line(lengthMax)
      .regex(NO_CONTROLS, 'expected no control characters')
      .regex(ONE_LINE_ONE_DIRECTION, 'expected one line, without characters that turn the direction of writing'),
  )

/**
 * With marks, which are half of a Thai vowel, and the joiners of Persian and Sinhala; of punctuation what names have.
 */
const NAME = /^[\p{L}\p{M}\p{N}\p{Zs}\p{Pd}'’‘.,_·・\u200C\u200D]*$/u
export const typedName = (lengthMax: number) =>
  visible(line(lengthMax).regex(NAME, "expected letters of any language, digits, spaces and . , _ - ' ·"))
