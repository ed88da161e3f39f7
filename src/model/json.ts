// Owns looking at parsed JSON that nobody vouches for: every access says what it wants and where it looked.
// Only own properties count, so a key such as `__proto__` is a key and nothing else.

/** A parsed JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>

/** Thrown when JSON is not what its place wants; whoever reads the file adds its name and a code. */
export class MalformedJson extends Error {
  /** e.g. `batches[2].len` */
  readonly place: string
  constructor(place: string, wanted: string) {
    super(`${place} is not ${wanted}`)
    this.place = place
  }
}

/** The object at `place`. */
export const asObject = (json: unknown, place: string): JsonObject => {
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw new MalformedJson(place, 'an object')
  return json as JsonObject
}

/** The list at `place`, of at most `most` elements. */
export const asList = (json: unknown, place: string, most = 1_000_000): readonly unknown[] => {
  if (!Array.isArray(json) || json.length > most) throw new MalformedJson(place, `a list of at most ${most}`)
  return json
}

/** A whole number from 0 to 2^53-1. */
export const asNatural = (json: unknown, place: string): number => {
  if (typeof json !== 'number' || !Number.isSafeInteger(json) || json < 0)
    throw new MalformedJson(place, 'a whole number')
  return json
}

export const asText = (json: unknown, place: string): string => {
  if (typeof json !== 'string') throw new MalformedJson(place, 'a string')
  return json
}

export const asBoolean = (json: unknown, place: string): boolean => {
  if (typeof json !== 'boolean') throw new MalformedJson(place, 'true or false')
  return json
}

/** An own property. */
export const field = (object: JsonObject, key: string): unknown =>
  Object.hasOwn(object, key) ? object[key] : undefined

/** Where the string that begins at `start` of a valid JSON text ends. */
const endOfString = (text: string, start: number): number => {
  let at = start + 1
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at + 1
}

/** A key that an object of a valid JSON text has twice: `JSON.parse` takes the last one without a word. */
export const doubledKey = (text: string): string | undefined => {
  const open: Set<string>[] = []
  for (let at = 0; at < text.length; ) {
    const letter = text[at]
    if (letter === '{' || letter === '[') open.push(new Set())
    if (letter === '}' || letter === ']') open.pop()
    const end = letter === '"' ? endOfString(text, at) : at + 1
    let next = end
    while (/\s/.test(text[next] ?? '')) next++
    if (letter === '"' && text[next] === ':') {
      const key: string = JSON.parse(text.slice(at, end))
      if (open.at(-1)!.has(key)) return key
      open.at(-1)!.add(key)
    }
    at = end
  }
  return undefined
}
