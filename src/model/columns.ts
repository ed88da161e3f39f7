// Owns updates as columns: the working form of buffers, batches and everything between them.
// A row of a column is a kind and a float64 payload: the number itself for booleans (0, 1), safe integers, floats
// and timestamps (ms), a code into the column's heap for all else. Times and diffs are safe integers and so are
// exact as float64. Invariants: columns only grow at the end; what a view has seen never changes.
import { Heap } from './heap.ts'
import { type ArrayMemory, OWN_MEMORY, SHARED_MEMORY } from './memory.ts'
import { Float, type HeapValue, Kind, kindOf, Timestamp, type Value } from './value.ts'

/** One column of data. Only the first `length` rows of its {@link Columns} count; the arrays may be longer. */
export interface Column {
  readonly kinds: Uint8Array
  readonly payload: Float64Array
  readonly heap: Heap
}

/** Updates as columns. `data[i].payload[row]`, `time[row]` and `diff[row]` are valid for `row < length`. */
export interface Columns {
  readonly length: number
  readonly data: readonly Column[]
  readonly time: Float64Array
  readonly diff: Float64Array
}

/** Whether a payload of this kind is a code into the heap. */
export const isHeapKind = (kind: number): boolean =>
  kind === Kind.string || kind === Kind.wide || kind === Kind.bytes || kind === Kind.vector

/** What a row of a column holds, without making a value of it: for comparing and for encoding. */
export const contentAt = (column: Column, row: number): number | HeapValue => {
  const payload = column.payload[row]!
  return isHeapKind(column.kinds[row]!) ? column.heap.values[payload]! : payload
}

/** The value at a row. An integral float is a `Float`, so that it stays distinct from the integer. */
export const valueAt = (column: Column, row: number): Value => {
  const payload = column.payload[row]!
  switch (column.kinds[row]) {
    case Kind.null:
      return null
    case Kind.boolean:
      return payload === 1
    case Kind.int:
      return payload
    case Kind.float:
      return Number.isInteger(payload) ? new Float(payload) : payload
    case Kind.timestamp:
      return new Timestamp(payload)
    default:
      return column.heap.values[payload]!
  }
}

/** The tuple at a row. */
export const tupleAt = (columns: Columns, row: number): Value[] =>
  columns.data.map(column => valueAt(column, row))

/** What `array` holds, in a new one of `capacity`: who looks at the old one sees what it saw. */
export const grown = <A extends Uint8Array | Float64Array>(array: A, capacity: number): A => {
  const next = new (array.constructor as new (length: number) => A)(capacity)
  next.set(array as never)
  return next
}

/** The heap of all columns that have used none so far: most are numbers, and every commit has columns. */
const UNUSED = new Heap()

class GrowingColumn implements Column {
  kinds: Uint8Array
  payload: Float64Array
  #heap = UNUSED

  constructor(kinds: Uint8Array, payload: Float64Array) {
    this.kinds = kinds
    this.payload = payload
  }

  get heap(): Heap {
    return this.#heap
  }

  intern(value: HeapValue): number {
    if (this.#heap === UNUSED) this.#heap = new Heap()
    return this.#heap.intern(value)
  }

  set(row: number, value: Value): void {
    const kind = kindOf(value)
    this.kinds[row] = kind
    if (isHeapKind(kind)) this.payload[row] = this.intern(value as HeapValue)
    else if (value instanceof Float) this.payload[row] = value.value
    else if (value instanceof Timestamp) this.payload[row] = value.ms
    else this.payload[row] = Number(value)
  }
}

/** A column of `length` canonical values, which are asked for in order; it is soon done with. */
export const columnOfValues = (length: number, canonicalAt: (row: number) => Value): Column => {
  const column = new GrowingColumn(SHARED_MEMORY.bytes(length), SHARED_MEMORY.numbers(length))
  for (let row = 0; row < length; row++) column.set(row, canonicalAt(row))
  return column
}

/** How many bytes a row takes besides what is in heaps: kind and payload of each column, time and diff. */
export const rowBytes = (arity: number): number => arity * 9 + 16

/** About how many bytes columns and their heaps take. */
export const bytesOf = ({ data, length }: Columns): number =>
  data.reduce((sum, { heap }) => sum + heap.bytes, length * rowBytes(data.length))

/** So many parts of what is expected, or fewer, are many rows: room for all of it will not be kept for nothing. */
const MANY_PARTS = 64

/** What is known of columns that are to grow. */
export interface Growth {
  /** Rows that there may be in the end: who brings many of them has room made for all. @default 0 */
  readonly expected?: number
  /** Where their first arrays come from. @default each has its own */
  readonly memory?: ArrayMemory
}

/** Columns that grow at the end, for buffers, decoders and merges. */
export class GrowingColumns implements Columns {
  readonly data: readonly GrowingColumn[]
  time: Float64Array
  diff: Float64Array
  #length = 0
  #capacity: number
  readonly #expected: number

  /** @param arity number of data columns. @param capacity rows to make room for at first. */
  constructor(arity: number, capacity = 16, { expected = 0, memory = OWN_MEMORY }: Growth = {}) {
    const { bytes, numbers } = memory
    const room = Math.max(1, capacity)
    this.#capacity = room
    this.#expected = expected
    // A loop, because a commit of one update makes one of these: Array.from takes several times as long.
    const data: GrowingColumn[] = new Array(arity)
    for (let index = 0; index < arity; index++) data[index] = new GrowingColumn(bytes(room), numbers(room))
    this.data = data
    this.time = numbers(room)
    this.diff = numbers(room)
  }

  get length(): number {
    return this.#length
  }

  /** See {@link bytesOf}. */
  get bytes(): number {
    return bytesOf(this)
  }

  #reserve(rows: number): void {
    const needed = this.#length + rows
    if (needed <= this.#capacity) return
    // New arrays, never resized ones: a view that was taken before keeps the old arrays and what is in them.
    const expected = rows * MANY_PARTS >= this.#expected ? this.#expected : 0
    this.#capacity = Math.max(needed, this.#capacity * 2, expected)
    for (const column of this.data) {
      column.kinds = grown(column.kinds, this.#capacity)
      column.payload = grown(column.payload, this.#capacity)
    }
    this.time = grown(this.time, this.#capacity)
    this.diff = grown(this.diff, this.#capacity)
  }

  /** Adds one update. `tuple` is canonical and has one value per column. */
  append(tuple: readonly Value[], time: number, diff: number): void {
    this.#reserve(1)
    const row = this.#length
    for (let index = 0; index < this.data.length; index++) this.data[index]!.set(row, tuple[index]!)
    this.time[row] = time
    this.diff[row] = diff
    this.#length = row + 1
  }

  /** Adds rows `[from, to)` of `source`, which has the same arity. Only what those rows use enters the heaps. */
  appendRange(source: Columns, from: number, to: number): void {
    const rows = to - from
    if (rows <= 0) return
    this.#reserve(rows)
    const start = this.#length
    for (let index = 0; index < this.data.length; index++) {
      copyColumn(source.data[index]!, from, to, this.data[index]!, start)
    }
    copyNumbers(source.time, from, to, this.time, start)
    copyNumbers(source.diff, from, to, this.diff, start)
    this.#length = start + rows
  }

  /** The columns as they are now: later appends do not show in it. Costs nothing. */
  view(): Columns {
    return {
      length: this.#length,
      data: this.data.map(({ kinds, payload, heap }) => ({ kinds, payload, heap })),
      time: this.time,
      diff: this.diff,
    }
  }
}

/** Rows up to which a loop is faster than making a view to copy from. */
const FEW_ROWS = 16

const copyNumbers = <A extends Uint8Array | Float64Array>(
  source: A,
  from: number,
  to: number,
  target: A,
  start: number,
): void => {
  if (to - from > FEW_ROWS) target.set(source.subarray(from, to) as never, start)
  else for (let row = from; row < to; row++) target[start + row - from] = source[row]!
}

const copyColumn = (source: Column, from: number, to: number, target: GrowingColumn, start: number): void => {
  copyNumbers(source.kinds, from, to, target.kinds, start)
  copyNumbers(source.payload, from, to, target.payload, start)
  const sourceHeap = source.heap.values
  if (sourceHeap.length === 0) return
  const dense = sourceHeap.length <= 4 * (to - from) ? new Int32Array(sourceHeap.length).fill(-1) : undefined
  const translated = new Map<number, number>()
  for (let row = from; row < to; row++) {
    if (!isHeapKind(source.kinds[row]!)) continue
    const code = source.payload[row]!
    let next = dense === undefined ? translated.get(code) : dense[code]!
    if (next === undefined || next === -1) {
      next = target.intern(sourceHeap[code]!)
      if (dense === undefined) translated.set(code, next)
      else dense[code] = next
    }
    target.payload[start + row - from] = next
  }
}

/** Columns without rows. */
export const emptyColumns = (arity: number): Columns => new GrowingColumns(arity, 1).view()

/**
 * Whether all of the first `length` values have the same bits: they have if each is like the next one, that is if the
 * bytes are the same bytes one value further on. That is compared natively, up to the first difference.
 */
export const isUniform = (values: Uint8Array | Float64Array, length: number): boolean => {
  if (length < 2) return true
  const { buffer, byteOffset, BYTES_PER_ELEMENT } = values
  const bytes = (length - 1) * BYTES_PER_ELEMENT
  const these = new Uint8Array(buffer, byteOffset, bytes)
  const next = new Uint8Array(buffer, byteOffset + BYTES_PER_ELEMENT, bytes)
  return Buffer.compare(these, next) === 0
}

/** The kind that all rows of a column have; undefined if there are several, or no rows. */
export const onlyKind = ({ kinds }: Column, length: number): Kind | undefined =>
  length > 0 && isUniform(kinds, length) ? (kinds[0] as Kind) : undefined

const gatherNumbers = (source: Float64Array, length: number, rows: Uint32Array): Float64Array => {
  const gathered = new Float64Array(rows.length)
  if (isUniform(source, length)) return gathered.fill(source[0]!)
  for (let place = 0; place < rows.length; place++) gathered[place] = source[rows[place]!]!
  return gathered
}

const gatherKinds = (source: Uint8Array, length: number, rows: Uint32Array): Uint8Array => {
  const gathered = new Uint8Array(rows.length)
  if (isUniform(source, length)) return gathered.fill(source[0]!)
  for (let place = 0; place < rows.length; place++) gathered[place] = source[rows[place]!]!
  return gathered
}

/** The rows of `source` that `rows` names, in that order. Heaps are shared. @param diff their diffs, if others */
export const gather = (
  { length, data, time, diff: ownDiff }: Columns,
  rows: Uint32Array,
  diff: Float64Array = gatherNumbers(ownDiff, length, rows),
): Columns => ({
  length: rows.length,
  data: data.map(column => ({
    kinds: gatherKinds(column.kinds, length, rows),
    payload: gatherNumbers(column.payload, length, rows),
    heap: column.heap,
  })),
  time: gatherNumbers(time, length, rows),
  diff,
})

/** Rows `[from, to)` of `source`, without copying. */
export const slice = (source: Columns, from: number, to: number): Columns => ({
  length: to - from,
  data: source.data.map(({ kinds, payload, heap }) => ({
    kinds: kinds.subarray(from, to),
    payload: payload.subarray(from, to),
    heap,
  })),
  time: source.time.subarray(from, to),
  diff: source.diff.subarray(from, to),
})
