// Owns where the keys of a TOML document are: the parser keeps no positions. Requires a document that parses; knows no
// more of the grammar than where keys, strings and comments begin and end.

/** A place in a text, both from 1. */
export interface Place {
  readonly line: number
  readonly column: number
}

/** The names that lead to a key. */
export type Path = readonly string[]

/** Names of a path that are kept: a key of the configuration has three, and hostile documents have any number. */
const PATH_MAX = 4

const BLANK = /[ \t\r\n]*(?:#[^\n]*[ \t\r\n]*)*/y
const BARE = /[A-Za-z0-9_-]+/y
/** Multi-line strings may end in up to two quotes of their own. */
const STRING = /"""(?:\\[\s\S]|[^\\])*?"{3,5}(?!")|'''[\s\S]*?'{3,5}(?!')|"(?:\\.|[^"\\])*"|'[^']*'/y

/** A number, date or boolean. */
const PLAIN = /[^,}#\n]*/y

/** The name that a quoted key stands for; an escape that only TOML knows leaves it as it is written. */
const unquoted = (text: string): string => {
  if (text.startsWith("'")) return text.slice(1, -1)
  try {
    return JSON.parse(text) as string
  } catch {
    return text.slice(1, -1)
  }
}

class Scanner {
  readonly #text: string
  readonly #places = new Map<string, Place>()
  #at = 0
  #line = 1
  #lineStart = 0
  #counted = 0

  constructor(text: string) {
    this.#text = text
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0]
    this.#at += found?.length ?? 0
    return found
  }

  #takeChar(char: string): boolean {
    if (this.#text[this.#at] !== char) return false
    this.#at++
    return true
  }

  /** Where the scanner is. It never goes back, so that lines are counted once. */
  #here(): Place {
    for (; this.#counted < this.#at; this.#counted++)
      if (this.#text[this.#counted] === '\n') {
        this.#line++
        this.#lineStart = this.#counted + 1
      }
    return { line: this.#line, column: this.#at - this.#lineStart + 1 }
  }

  /** Reads `a . "b"` below `prefix`, and notes where each of its parts is said first. */
  #key(prefix: Path): Path {
    this.#take(BLANK)
    const place = this.#here()
    const path = [...prefix]
    do {
      this.#take(BLANK)
      const quoted = this.#take(STRING)
      const name = quoted === undefined ? (this.#take(BARE) ?? '') : unquoted(quoted)
      if (path.length < PATH_MAX) {
        path.push(name)
        const id = JSON.stringify(path)
        if (!this.#places.has(id)) this.#places.set(id, place)
      }
      this.#take(BLANK)
    } while (this.#takeChar('.'))
    return path
  }

  #inlineTable(path: Path): void {
    for (this.#take(BLANK); !this.#takeChar('}') && this.#at < this.#text.length; this.#take(BLANK)) {
      this.#pair(path)
      this.#takeChar(',')
    }
  }

  /** Tables within a list are passed over: no key takes one. */
  #list(): void {
    for (let depth = 1; depth > 0 && this.#at < this.#text.length; ) {
      this.#take(BLANK)
      if (this.#take(STRING) !== undefined) continue
      const char = this.#text[this.#at++]
      if (char === '[') depth++
      else if (char === ']') depth--
    }
  }

  #pair(prefix: Path): void {
    const path = this.#key(prefix)
    this.#takeChar('=')
    this.#take(BLANK)
    if (this.#takeChar('{')) this.#inlineTable(path)
    else if (this.#takeChar('[')) this.#list()
    else if (this.#take(STRING) === undefined) this.#take(PLAIN)
    this.#take(BLANK)
  }

  scan(): ReadonlyMap<string, Place> {
    let section: Path = []
    for (this.#take(BLANK); this.#at < this.#text.length; this.#take(BLANK)) {
      const before = this.#at
      if (this.#takeChar('[')) {
        this.#takeChar('[')
        section = this.#key([])
        this.#take(/\]{1,2}/y)
      } else this.#pair(section)
      if (this.#at === before) break // not TOML: there is nothing more to find
    }
    return this.#places
  }
}

/**
 * Finds keys in a TOML document that parses.
 * @returns the place where a path, or else the longest part of it that is found, is said first
 */
export const locator = (text: string): ((path: Path) => Place) => {
  const places = new Scanner(text).scan()
  return path => {
    for (let length = Math.min(path.length, PATH_MAX); length > 0; length--) {
      const place = places.get(JSON.stringify(path.slice(0, length)))
      if (place !== undefined) return place
    }
    return { line: 1, column: 1 }
  }
}
