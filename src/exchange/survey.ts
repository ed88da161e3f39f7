// Owns the first pass over a text file: what its columns are called and hold, how many rows it has, and that each is
// one. Invariant: a file that passes is read by the plan without a refusal, unless it changes meanwhile.
import { InputError } from '../errors.ts'
import { kindOf } from '../model/value.ts'
import { columnsOf, located, type RowPlan, type Source } from './row-plan.ts'
import type { FileType, RecordBlock, TextFormat } from './text-format.ts'

/** What the columns of a file mean, by the names that the file has for them. */
export interface TextMapping {
  /** The column with the times. @default none: every time is 0 */
  readonly time?: string
  /** The column with the diffs. @default none: every diff is 1 */
  readonly diff?: string
  /** Types of columns. @default as the values are */
  readonly types?: ReadonlyMap<string, FileType>
}

/** What the first pass learns. */
export class Survey<Cell> {
  readonly #format: TextFormat<Cell>
  readonly #mapping: TextMapping
  readonly #file: string
  #data: readonly Source[] = []
  /** By data column: bit `1 << kind` for each kind of value in it. */
  #kinds: number[] = []
  /** What can be judged before the types are known. */
  #known: RowPlan | undefined
  rows = 0

  constructor(format: TextFormat<Cell>, mapping: TextMapping, file: string) {
    this.#format = format
    this.#mapping = mapping
    this.#file = file
  }

  #start(names: readonly string[]): RowPlan {
    const { time, diff, types } = this.#mapping
    const refuse = (why: string, column: string): never => {
      throw new InputError('FILE_INVALID', why, { file: this.#file, column, columns: names })
    }
    const find = (name: string): Source => {
      const index = names.indexOf(name)
      if (index === -1) refuse('the file has no such column', name)
      if (names.includes(name, index + 1)) refuse('the file has two columns of this name', name)
      return { index, name }
    }
    const given = [...(types ?? [])].map(([name, type]) => ({ ...find(name), type }))
    this.#data = names
      .map((name, index) => ({ name, index }))
      .filter(({ name }) => name !== time && name !== diff)
    this.#kinds = this.#data.map(() => 0)
    return {
      data: given,
      time: time === undefined ? undefined : find(time),
      diff: diff === undefined ? undefined : find(diff),
    }
  }

  see({ names, records }: RecordBlock<Cell>): void {
    this.#known ??= this.#start(names)
    this.rows += records.length
    columnsOf(this.#format, records, this.#known)
    this.#data.forEach((source, column) => {
      if (this.#mapping.types?.has(source.name) === true) return
      let kinds = 0
      for (const { line, cells } of records)
        kinds |= 1 << kindOf(located(() => this.#format.valueOf(cells[source.index]!), line, source))
      this.#kinds[column]! |= kinds
    })
  }

  /** How the second pass reads every record. */
  get plan(): RowPlan {
    const { time, diff } = this.#known ?? this.#start([])
    const data = this.#data.map((source, column) => ({
      ...source,
      type: this.#mapping.types?.get(source.name) ?? this.#format.typeOf(this.#kinds[column]!),
    }))
    return { data, time, diff }
  }
}
