// Owns what the text formats have in common, so that everything but syntax is written once: a file is records, a
// record is cells, and a cell is a value by itself or as its column's type says.
import type { ErrorDetails } from '../errors.ts'
import type { ColumnDeclaration } from '../model/schema.ts'
import type { Value } from '../model/value.ts'
import type { LineBlock } from './lines.ts'

/** The type of a column of a file. */
export type FileType = ColumnDeclaration['type']

/** One row of a text file. */
export interface TextRecord<Cell> {
  /** The number of its first line, from 1. */
  readonly line: number
  /** One for each name. */
  readonly cells: readonly Cell[]
}

/** Some rows of a text file, which follow one another. */
export interface RecordBlock<Cell> {
  /** The names of the columns as the file has them, the same in every block. */
  readonly names: readonly string[]
  /** Whether the file says the names itself; otherwise they count the columns. The same in every block. */
  readonly named: boolean
  readonly records: readonly TextRecord<Cell>[]
}

/** How a text file says rows and values. */
export interface TextFormat<Cell> {
  /** @throws {MalformedText} for a line that is no record, or one of another shape than those before */
  readonly records: (blocks: AsyncIterable<LineBlock>) => AsyncGenerator<RecordBlock<Cell>, void, undefined>
  /**
   * What a cell says by itself.
   * @throws {MalformedValue} if it is no value
   */
  readonly valueOf: (cell: Cell) => Value
  /**
   * What a cell says in a column of a type. The value need not be one of that type: its caller looks.
   * @throws {MalformedValue} if it is no value
   */
  readonly valueAs: (cell: Cell, type: FileType) => Value
  /** The type for a column with values of these kinds: bit `1 << kind` for each. */
  readonly typeOf: (kinds: number) => FileType
}

/** Thrown for what is no text, or none of its format; whoever knows the file's name adds it. */
export class MalformedText extends Error {
  /** From 1. */
  readonly line: number
  /** The name of the column, where one is to blame. */
  readonly column: string | undefined
  readonly details: ErrorDetails
  constructor(why: string, line: number, column?: string, details: ErrorDetails = {}) {
    super(why)
    this.line = line
    this.column = column
    this.details = details
  }
}

/** `col0`, `col1`, …: the names of columns that have none. */
export const positionalNames = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `col${index}`)
