// Owns the syntax of JSON lines on the way in: one row a line, as a list of values or as an object that names them,
// the same in every line. The values have the JSON form of the log, so that every one of them comes back.
import { Kind } from '../model/value.ts'
import { valueFromJson } from '../model/value-json.ts'
import type { LineBlock } from './lines.ts'
import {
  type FileType,
  MalformedText,
  positionalNames,
  type RecordBlock,
  type TextFormat,
  type TextRecord,
} from './text-format.ts'

const parsed = (text: string, line: number): readonly unknown[] | Readonly<Record<string, unknown>> => {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw new MalformedText(`the line is not JSON: ${(cause as Error).message}`, line)
  }
  if (typeof json !== 'object' || json === null)
    throw new MalformedText('the line is neither a list nor an object', line)
  return json as readonly unknown[] | Record<string, unknown>
}

/** What the first line says of all. */
class Shape {
  readonly names: readonly string[]
  /** Whether the lines are objects. */
  readonly named: boolean

  constructor(first: ReturnType<typeof parsed>) {
    this.named = !Array.isArray(first)
    this.names = Array.isArray(first) ? positionalNames(first.length) : Object.keys(first)
  }

  cells(json: ReturnType<typeof parsed>, line: number): readonly unknown[] {
    if (Array.isArray(json) === this.named)
      throw new MalformedText('the lines are either all lists or all objects', line)
    const cells = Array.isArray(json) ? json : this.#fields(json as Readonly<Record<string, unknown>>, line)
    if (cells.length !== this.names.length)
      throw new MalformedText(`the line has ${cells.length} values, and not ${this.names.length}`, line)
    return cells
  }

  #fields(json: Readonly<Record<string, unknown>>, line: number): unknown[] {
    for (const name of Object.keys(json))
      if (!this.names.includes(name))
        throw new MalformedText('the line has a key that the first one has not', line, name)
    return this.names.map(name => {
      if (!Object.hasOwn(json, name))
        throw new MalformedText('the line lacks a key of the first one', line, name)
      return json[name]
    })
  }
}

async function* jsonRecords(
  blocks: AsyncIterable<LineBlock>,
): AsyncGenerator<RecordBlock<unknown>, void, undefined> {
  let shape: Shape | undefined
  for await (const block of blocks) {
    const records: TextRecord<unknown>[] = []
    for (const [index, text] of block.text.split('\n').entries()) {
      if (text.trim() === '') continue
      const line = block.line + index
      const json = parsed(text, line)
      shape ??= new Shape(json)
      records.push({ line, cells: shape.cells(json, line) })
    }
    if (shape !== undefined) yield { names: shape.names, named: shape.named, records }
  }
}

/** Of the values but nulls; integers of both widths are one type. */
const TYPES: readonly (readonly [Kind, FileType])[] = [
  [Kind.boolean, 'boolean'],
  [Kind.int, 'int64'],
  [Kind.wide, 'int64'],
  [Kind.float, 'float64'],
  [Kind.timestamp, 'timestamp'],
  [Kind.string, 'string'],
  [Kind.bytes, 'bytes'],
  [Kind.vector, 'vector'],
]

/** The one type of all values, or `any`. */
const typeOfKinds = (kinds: number): FileType => {
  const types = new Set(TYPES.filter(([kind]) => (kinds & (1 << kind)) !== 0).map(([, type]) => type))
  const [only] = types
  return only !== undefined && types.size === 1 ? only : 'any'
}

/** JSON lines. Empty lines are passed over. */
export const JSON_LINES: TextFormat<unknown> = {
  records: jsonRecords,
  valueOf: valueFromJson,
  valueAs: valueFromJson,
  typeOf: typeOfKinds,
}
