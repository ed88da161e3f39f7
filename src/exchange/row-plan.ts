// Owns what is made of the records of a text file: which cells are data, which the time and the diff, and as what.
// Invariant: what comes out is canonical, and every value fits the type of its column.
import { type Columns, GrowingColumns } from '../model/columns.ts'
import { firstMismatch, floatIntegers } from '../model/schema.ts'
import { TIME_MAX } from '../model/update.ts'
import type { Value } from '../model/value.ts'
import { MalformedValue } from '../model/value-json.ts'
import { type FileType, MalformedText, type TextFormat, type TextRecord } from './text-format.ts'

/** A column of a file. */
export interface Source {
  /** The place of its cells in each record. */
  readonly index: number
  /** As the file has it. */
  readonly name: string
}

/** A column of data. */
export interface DataSource extends Source {
  /** As the shard calls it. */
  readonly as: string
  readonly type: FileType
}

/** What is made of each record. */
export interface RowPlan {
  readonly data: readonly DataSource[]
  readonly time: Source | undefined
  readonly diff: Source | undefined
}

/** Runs `read`, and says where it found no value. */
export const located = <T>(read: () => T, line: number, { name }: Source): T => {
  try {
    return read()
  } catch (cause) {
    throw cause instanceof MalformedValue ? new MalformedText(cause.message, line, name) : cause
  }
}

const timeOf = (value: Value): number => {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= TIME_MAX) return value
  throw new MalformedValue('a time is not a whole number from 0 to 2^53-2')
}

const diffOf = (value: Value): number => {
  if (typeof value === 'number' && Number.isInteger(value) && value !== 0) return value
  throw new MalformedValue('a diff is not a safe integer other than 0')
}

/** Records as updates. @throws {MalformedText} for the first cell that is no value of its column */
export const columnsOf = <Cell>(
  format: TextFormat<Cell>,
  records: readonly TextRecord<Cell>[],
  { data, time, diff }: RowPlan,
): Columns => {
  const columns = new GrowingColumns(data.length, records.length)
  for (const { line, cells } of records)
    columns.append(
      data.map(source => located(() => format.valueAs(cells[source.index]!, source.type), line, source)),
      time === undefined ? 0 : located(() => timeOf(format.valueOf(cells[time.index]!)), line, time),
      diff === undefined ? 1 : located(() => diffOf(format.valueOf(cells[diff.index]!)), line, diff),
    )
  data.forEach(({ name, type }, index) => {
    const column = columns.data[index]!
    if (type === 'float64') floatIntegers(column, columns.length)
    const row = firstMismatch(type, column, columns.length)
    if (row !== -1) throw new MalformedText(`the value is not of type ${type}`, records[row]!.line, name)
  })
  return columns
}
