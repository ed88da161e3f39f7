// Owns the first pass over a text file: what its columns are called and hold, how many rows it has, and that each is
// one that the shard takes. Invariant: a file that passes is read by the plan without a refusal, unless it changes
// meanwhile, and no declared column refuses one of its values.
import { InputError } from '../errors.ts'
import { placedColumns } from '../model/column-names.ts'
import type { Columns } from '../model/columns.ts'
import { joinTypes, type Schema } from '../model/schema.ts'
import { kindOf } from '../model/value.ts'
import { columnsOf, type DataSource, located, type RowPlan, type Source } from './row-plan.ts'
import { type FileType, MalformedText, type RecordBlock, type TextFormat } from './text-format.ts'

/** What the columns of a file mean, by the names that the file has for them. */
export interface TextMapping {
  /** The column with the times. @default none: every time is 0 */
  readonly time?: string
  /** The column with the diffs. @default none: every diff is 1 */
  readonly diff?: string
  /** Types of columns. @default as the schema declares them, else as the values are */
  readonly types?: ReadonlyMap<string, FileType>
  /** The schema of the shard that takes the rows. @default none: it is new */
  readonly schema?: Schema
}

/** A column of data before its type is known. */
type Untyped = Omit<DataSource, 'type'> & { readonly type: FileType | undefined }

/** What is known once the names are. */
interface Start {
  readonly data: readonly Untyped[]
  readonly time: Source | undefined
  readonly diff: Source | undefined
  /** What can be judged before all types are known. */
  readonly known: RowPlan
}

const isTyped = (source: Untyped): source is DataSource => source.type !== undefined

/** What the first pass learns. */
export class Survey<Cell> {
  readonly #format: TextFormat<Cell>
  readonly #mapping: TextMapping
  readonly #file: string
  #start: Start | undefined
  /** By data column: bit `1 << kind` for each kind of value in it, where its type is not known. */
  #kinds: number[] = []
  #lastTime = 0
  rows = 0

  constructor(format: TextFormat<Cell>, mapping: TextMapping, file: string) {
    this.#format = format
    this.#mapping = mapping
    this.#file = file
  }

  #find(names: readonly string[], name: string): Source {
    const refuse = (why: string): never => {
      throw new InputError('FILE_INVALID', why, { file: this.#file, column: name, columns: names })
    }
    const index = names.indexOf(name)
    if (index === -1) refuse('the file has no such column')
    if (names.includes(name, index + 1)) refuse('the file has two columns of this name')
    return { index, name }
  }

  /** The type that a column is read as; undefined where its values decide. */
  #typeOf(column: string, declared: FileType | undefined): FileType | undefined {
    const given = this.#mapping.types?.get(column)
    if (given !== undefined && declared !== undefined && joinTypes(declared, given) !== declared)
      throw new InputError('TYPE_MISMATCH', 'the column is declared with another type', {
        file: this.#file,
        column,
        type: declared,
        given,
      })
    return given ?? declared
  }

  #begin({ names, named }: Pick<RecordBlock<Cell>, 'names' | 'named'>): Start {
    const { types, schema } = this.#mapping
    const [time, diff] = [this.#mapping.time, this.#mapping.diff].map(name =>
      name === undefined ? undefined : this.#find(names, name),
    )
    for (const name of types?.keys() ?? []) this.#find(names, name)
    const sources = names
      .map((name, index) => ({ name, index }))
      .filter(({ index }) => index !== time?.index && index !== diff?.index)
    const found = { names: sources.map(({ name }) => name), named, file: this.#file }
    const data = placedColumns(found, schema).map(({ index, name, declared }) => {
      const source = sources[index]!
      return { ...source, as: name, type: this.#typeOf(source.name, declared) }
    })
    this.#kinds = data.map(() => 0)
    return { data, time, diff, known: { data: data.filter(isTyped), time, diff } }
  }

  /** Times that go back could not be committed in the order of the file. */
  #requireOrder({ time }: Columns, { records }: RecordBlock<Cell>, source: Source): void {
    for (const [row, { line }] of records.entries()) {
      if (time[row]! < this.#lastTime)
        throw new MalformedText('the rows are not in order of time; sort the file first', line, source.name, {
          time: time[row],
          after: this.#lastTime,
        })
      this.#lastTime = time[row]!
    }
  }

  see(block: RecordBlock<Cell>): void {
    this.#start ??= this.#begin(block)
    const { data, known } = this.#start
    const { records } = block
    this.rows += records.length
    const columns = columnsOf(this.#format, records, known)
    if (known.time !== undefined) this.#requireOrder(columns, block, known.time)
    data.forEach((source, column) => {
      if (isTyped(source)) return
      let kinds = 0
      for (const { line, cells } of records)
        kinds |= 1 << kindOf(located(() => this.#format.valueOf(cells[source.index]!), line, source))
      this.#kinds[column]! |= kinds
    })
  }

  /** How the second pass reads every record. Requires that {@link see} saw the whole file. */
  get plan(): RowPlan {
    // A file without a line has no columns that could be wrong.
    if (this.#start === undefined) return { data: [], time: undefined, diff: undefined }
    const { data, time, diff } = this.#start
    const typed = data.map((source, column) => ({
      ...source,
      type: source.type ?? this.#format.typeOf(this.#kinds[column]!),
    }))
    return { data: typed, time, diff }
  }
}
