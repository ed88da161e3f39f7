// Owns reading somebody else's text file as updates, whatever its format, in two passes: the first learns names and
// types, counts the rows and refuses what can be no row; the second makes columns. Memory holds one block of lines.
import { InputError } from '../errors.ts'
import type { Columns } from '../model/columns.ts'
import type { ColumnDeclaration } from '../model/schema.ts'
import { type ByteSource, lineBlocks } from './lines.ts'
import { columnsOf, type RowPlan } from './row-plan.ts'
import { Survey, type TextMapping } from './survey.ts'
import { MalformedText, type TextFormat } from './text-format.ts'

/** Runs `read`, and says which file it was that is malformed. */
const named = async <T>(file: string, read: () => Promise<T>): Promise<T> => {
  try {
    return await read()
  } catch (cause) {
    if (!(cause instanceof MalformedText)) throw cause
    const { line, column, details } = cause
    throw new InputError('FILE_INVALID', cause.message, { file, line, column, ...details })
  }
}

/** Someone else's text file, open. Its source stays the caller's to close. */
export class TextFile<Cell> {
  /** The data columns as those of the shard that takes them, in its order; fit to be declared. */
  readonly columns: readonly ColumnDeclaration[]
  /** How many rows there are. */
  readonly rows: number
  readonly #format: TextFormat<Cell>
  readonly #source: ByteSource
  readonly #file: string
  readonly #plan: RowPlan

  private constructor(format: TextFormat<Cell>, source: ByteSource, file: string, survey: Survey<Cell>) {
    this.#format = format
    this.#source = source
    this.#file = file
    this.#plan = survey.plan
    this.rows = survey.rows
    this.columns = this.#plan.data.map(({ as, type }) => ({ name: as, type }))
  }

  /**
   * Opens a text file: reads it once, to the end.
   *
   * @param file its name, for errors
   * @param progress is told the bytes read so far and the size of the file
   * @throws {InputError} FILE_INVALID with file, line and column; ARITY_MISMATCH, TYPE_MISMATCH if the columns are not
   * those of the schema in `mapping`
   * @throws {DiskError} if it cannot be read
   */
  static async open<Cell>(
    format: TextFormat<Cell>,
    source: ByteSource,
    file: string,
    mapping: TextMapping = {},
    progress: (doneBytes: number, totalBytes: number) => void = () => {},
  ): Promise<TextFile<Cell>> {
    const survey = new Survey(format, mapping, file)
    await named(file, async () => {
      for await (const block of format.records(lineBlocks(source, progress))) survey.see(block)
    })
    return new TextFile(format, source, file, survey)
  }

  /** What became of the names of its data columns: those that are called otherwise now. */
  get renamed(): readonly { readonly from: string; readonly to: string }[] {
    return this.#plan.data
      .map(({ name, as }) => ({ from: name, to: as }))
      .filter(({ from, to }) => from !== to)
  }

  /**
   * The rows from number `skip` on, in the file's order.
   * @throws {InputError} FILE_INVALID if the file changed since it was opened
   */
  async *chunks(skip: number): AsyncGenerator<Columns, void, undefined> {
    const blocks = this.#format.records(lineBlocks(this.#source))
    let passed = 0
    try {
      for (;;) {
        const columns = await named(this.#file, async () => {
          const next = await blocks.next()
          if (next.done === true) return undefined
          const { records } = next.value
          const wanted = records.slice(Math.max(0, skip - passed))
          passed += records.length
          if (passed > this.rows) throw this.#changed()
          return columnsOf(this.#format, wanted, this.#plan)
        })
        if (columns === undefined) break
        if (columns.length > 0) yield columns
      }
    } finally {
      await blocks.return()
    }
    if (passed !== this.rows) throw this.#changed()
  }

  #changed(): InputError {
    return new InputError('FILE_INVALID', 'the file changed while it was read', { file: this.#file })
  }

  close(): void {}
}
