// Owns the types of column that we write, and what a Parquet schema says of each.
// https://github.com/apache/parquet-format/blob/master/LogicalTypes.md
import type { ThriftStruct, ThriftWriter } from './thrift.ts'

/** `vector` is a list of floats of 32 bits, `timestamp` milliseconds in UTC; the other names speak for themselves. */
export type ValueType =
  | 'boolean'
  | 'int32'
  | 'int64'
  | 'uint64'
  | 'float64'
  | 'timestamp'
  | 'string'
  | 'bytes'
  | 'vector'

/** A column of a file. */
export interface ParquetColumn {
  readonly name: string
  readonly type: ValueType
  /** Whether no row is null; so are no vectors. */
  readonly required: boolean
}

/** Numbers of Parquet's `Type`. */
export const Physical = { boolean: 0, int32: 1, int64: 2, float: 4, double: 5, byteArray: 6 } as const

/** What the values of a column are stored as; of a vector, its elements. */
export const PHYSICAL: Readonly<Record<ValueType, number>> = {
  boolean: Physical.boolean,
  int32: Physical.int32,
  int64: Physical.int64,
  uint64: Physical.int64,
  float64: Physical.double,
  timestamp: Physical.int64,
  string: Physical.byteArray,
  bytes: Physical.byteArray,
  vector: Physical.float,
}

/** The names of the columns from the top to the one with values. */
export const pathOf = ({ name, type }: ParquetColumn): string[] =>
  type === 'vector' ? [name, 'list', 'element'] : [name]

const Repetition = { required: 0, optional: 1, repeated: 2 } as const

/** Numbers of Parquet's `ConvertedType`. */
const Converted = { utf8: 0, list: 3, timestampMillis: 9, uint64: 14 } as const

/** Fields of a `SchemaElement`. */
const TYPE = 1
const REPETITION = 3
const NAME = 4
const CHILDREN = 5
const CONVERTED = 6
const LOGICAL = 10

/** Fields of a `LogicalType`. */
const STRING = 1
const LIST = 3
const TIMESTAMP = 8
const INTEGER = 10

const nothing = (): void => {}

const annotate = (element: ThriftWriter, type: ValueType): void => {
  switch (type) {
    case 'string':
      element.i32(CONVERTED, Converted.utf8).struct(LOGICAL, logical => logical.struct(STRING, nothing))
      break
    case 'uint64':
      element
        .i32(CONVERTED, Converted.uint64)
        .struct(LOGICAL, logical => logical.struct(INTEGER, integer => integer.i8(1, 64).boolean(2, false)))
      break
    case 'timestamp':
      element
        .i32(CONVERTED, Converted.timestampMillis)
        .struct(LOGICAL, logical =>
          logical.struct(TIMESTAMP, timestamp =>
            timestamp.boolean(1, true).struct(2, unit => unit.struct(1, nothing)),
          ),
        )
      break
    default:
  }
}

type Element = (element: ThriftWriter) => void

const elementsOf = ({ name, type, required }: ParquetColumn): Element[] => {
  const repetition = required ? Repetition.required : Repetition.optional
  if (type === 'vector')
    return [
      group =>
        group
          .i32(REPETITION, repetition)
          .binary(NAME, name)
          .i32(CHILDREN, 1)
          .i32(CONVERTED, Converted.list)
          .struct(LOGICAL, logical => logical.struct(LIST, nothing)),
      list => list.i32(REPETITION, Repetition.repeated).binary(NAME, 'list').i32(CHILDREN, 1),
      element =>
        element.i32(TYPE, PHYSICAL[type]).i32(REPETITION, Repetition.required).binary(NAME, 'element'),
    ]
  return [
    element => {
      element.i32(TYPE, PHYSICAL[type]).i32(REPETITION, repetition).binary(NAME, name)
      annotate(element, type)
    },
  ]
}

/** Writes the schema as field `id` of a footer. */
export const writeSchema = (footer: ThriftWriter, id: number, columns: readonly ParquetColumn[]): void => {
  const root: Element = element => element.binary(NAME, 'schema').i32(CHILDREN, columns.length)
  footer.structs(id, [root, ...columns.flatMap(elementsOf)], (element, write) => write(element))
}

const leafType = (element: ThriftStruct): ValueType | undefined => {
  const converted = element.integer(CONVERTED)
  switch (element.integer(TYPE)) {
    case Physical.boolean:
      return 'boolean'
    case Physical.int32:
      return converted === undefined ? 'int32' : undefined
    case Physical.int64:
      if (converted === Converted.uint64) return 'uint64'
      if (converted === Converted.timestampMillis) return 'timestamp'
      return converted === undefined ? 'int64' : undefined
    case Physical.double:
      return 'float64'
    case Physical.byteArray:
      if (converted === undefined) return 'bytes'
      return converted === Converted.utf8 ? 'string' : undefined
    default:
      return undefined
  }
}

const isVector = (group: ThriftStruct, list?: ThriftStruct, element?: ThriftStruct): boolean =>
  group.integer(CONVERTED) === Converted.list &&
  list?.integer(CHILDREN) === 1 &&
  list.integer(REPETITION) === Repetition.repeated &&
  element?.integer(TYPE) === Physical.float &&
  element.integer(REPETITION) === Repetition.required

/** What stands at the top of a schema, in order. */
export interface FoundColumn {
  readonly name: string
  /** Undefined if it is none that we write. */
  readonly type: ValueType | undefined
  readonly required: boolean
}

/** The columns that a schema has, which is a tree with its nodes in depth-first order. */
export const readSchema = ([root, ...elements]: readonly ThriftStruct[]): FoundColumn[] => {
  const found: FoundColumn[] = []
  if (root === undefined) return found
  for (let at = 0; at < elements.length; ) {
    const element = elements[at]!
    // Where the subtree ends.
    let end = at + 1
    for (let open = element.integer(CHILDREN) ?? 0; open > 0 && end < elements.length; end++)
      open += (elements[end]!.integer(CHILDREN) ?? 0) - 1
    const isGroup = element.has(CHILDREN)
    const vector = isGroup && end - at === 3 && isVector(element, elements[at + 1], elements[at + 2])
    found.push({
      name: element.string(NAME) ?? '',
      type: vector
        ? 'vector'
        : isGroup || element.integer(REPETITION) === Repetition.repeated
          ? undefined
          : leafType(element),
      required: element.integer(REPETITION) === Repetition.required,
    })
    at = end
  }
  return found
}
