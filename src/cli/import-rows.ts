// Owns bringing a file's updates into a store, whole times per commit, so that it can be resumed after any crash.

import { FrontierError, InputError } from '../errors.ts'
import { type Columns, GrowingColumns } from '../model/columns.ts'
import { type ColumnDeclaration, declaredSchema, type Schema } from '../model/schema.ts'
import type { Engine } from '../store/engine.ts'

/** Rows that a commit has at least, unless the file ends: enough for one sync to cost nothing, few enough for memory. */
const COMMIT_ROWS = 10_000
/** About as many bytes of rows close a commit too, where they are large. */
const COMMIT_BYTES = 8 * 1024 * 1024

/** Rows of one time that are looked at together. */
const STEP_ROWS = 1024

/** The rows of a file, whatever its format, in the order of the file, which is one of times. */
export interface RowSource {
  /** What a shard that is new declares. */
  readonly columns: readonly ColumnDeclaration[]
  readonly rows: number
  /** The rows from number `skip` on, some at a time. */
  chunks(skip: number): AsyncIterable<Columns>
}

export interface ImportPlan {
  readonly shard: string
  /** Identifies file, shard and mapping: the same id goes on where it stopped. */
  readonly id: string
  /** Gives each time of the file, in order, the store's next time. */
  readonly retime: boolean
  /** Whether rows of one time belong into one commit: not where the times are not the file's. */
  readonly wholeTimes: boolean
}

export interface ImportReport {
  readonly shard: string
  /** Rows of the file. */
  readonly rows: number
  /** Rows that an earlier run had already committed. */
  readonly resumedAt: number
  readonly commits: number
  readonly lastTime: number | undefined
}

/**
 * Cuts rows into commits of about {@link COMMIT_ROWS}. With `wholeTimes` all rows of one time are in one commit, however
 * many: they may come in several chunks, so what comes last is held back until another time, or the end, follows.
 */
async function* commitsOf(
  chunks: AsyncIterable<Columns>,
  arity: number,
  wholeTimes: boolean,
): AsyncGenerator<GrowingColumns> {
  let commit = new GrowingColumns(arity)
  for await (const chunk of chunks) {
    for (let row = 0; row < chunk.length; ) {
      const last = commit.length === 0 ? undefined : commit.time[commit.length - 1]!
      const time = chunk.time[row]!
      if (last !== undefined && time < last)
        throw new InputError('FILE_INVALID', 'the rows of the file are not in order of time; sort it first', {
          time,
          after: last,
        })
      const isFull = commit.length >= COMMIT_ROWS || commit.bytes >= COMMIT_BYTES
      if (isFull && (!wholeTimes || time !== last)) {
        yield commit
        commit = new GrowingColumns(arity)
      }
      // A step at a time, so that large rows are noticed before there are many of them.
      const end = Math.min(chunk.length, row + STEP_ROWS)
      let stop = row + 1
      while (stop < end && chunk.time[stop] === time) stop++
      commit.appendRange(chunk, row, stop)
      row = stop
    }
  }
  if (commit.length > 0) yield commit
}

/** Replaces each time by the next one from `upper` on, keeping their order. */
const retimed = (columns: GrowingColumns, upper: number): void => {
  let next = upper - 1
  let last: number | undefined
  for (let row = 0; row < columns.length; row++) {
    const time = columns.time[row]!
    if (time !== last) next++
    last = time
    columns.time[row] = next
  }
}

const requireRoom = (columns: Columns, upper: number): void => {
  if (columns.time[0]! >= upper) return
  throw new FrontierError(
    'TIME_BEFORE_UPPER',
    'the file has times below upper; --retime gives them new ones',
    {
      time: columns.time[0],
      upper,
    },
  )
}

/**
 * Commits the rows of `file` to a shard. The shard takes the file's column names and types if it is new.
 *
 * Resumable: each commit records how far it came, so running it again after a crash goes on behind what survived; a
 * finished import ends at once. Durable when it resolves.
 *
 * @param progress is told the rows committed so far
 * @throws {FrontierError} TIME_BEFORE_UPPER. @throws {InputError} FILE_INVALID, ARITY_MISMATCH, TYPE_MISMATCH
 */
export const importRows = async (
  engine: Engine,
  file: RowSource,
  plan: ImportPlan,
  progress: (rows: number) => void,
): Promise<ImportReport> => {
  const before = engine.importProgress(plan.id)
  const report = { shard: plan.shard, rows: file.rows, resumedAt: before?.rows ?? 0 }
  if (before?.complete === true) return { ...report, commits: 0, lastTime: undefined }
  const schema: Schema = declaredSchema(file.columns, 'columns')
  let rows = report.resumedAt
  let commits = 0
  let lastTime: number | undefined
  for await (const columns of commitsOf(file.chunks(rows), schema.length, plan.wholeTimes)) {
    if (plan.retime) retimed(columns, engine.upper)
    requireRoom(columns, engine.upper)
    const isNew = !engine.hasShard(plan.shard)
    rows += columns.length
    const { time } = await engine.commit({
      updates: new Map([[plan.shard, columns]]),
      import: { id: plan.id, rows, complete: rows === file.rows },
      ...(isNew ? { declare: new Map([[plan.shard, schema]]) } : {}),
    })
    commits++
    lastTime = time
    progress(rows)
  }
  await engine.sync()
  return { ...report, commits, lastTime }
}
