// Owns that no stored text can break a terminal.

// Control characters, line and paragraph separators, and what turns the direction of writing: as \u{…}.
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu

/** A text on one line, with what is no visible character written as an escape; tabs stay. */
export const printable = (text: string): string =>
  text.replace(UNPRINTABLE, character =>
    character === '\t' ? character : `\\u{${character.codePointAt(0)!.toString(16)}}`,
  )
