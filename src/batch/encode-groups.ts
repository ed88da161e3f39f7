// Owns the way from our columns to the bytes of a batch file. Nothing is rounded and nothing converted: a value of a
// kind that its column's type does not name is a defect of the caller and stops the write.
import type { ParquetProfile } from '../config/settings.ts'
import { assert } from '../errors.ts'
import type { Column, Columns } from '../model/columns.ts'
import { Heap } from '../model/heap.ts'
import { Kind } from '../model/value.ts'
import { Codec } from '../parquet/compression.ts'
import { FileEncoder } from '../parquet/encode-file.ts'
import { LAYOUT_KEY, type Layout, parquetColumns } from './layout.ts'

/** Compressions that need no library. */
export type OwnCompression = keyof typeof Codec

const countNulls = ({ kinds }: Column, length: number): number => {
  let count = 0
  for (let row = 0; row < length; row++) if (kinds[row] === Kind.null) count++
  return count
}

/** Times or diffs as a column. */
const required = (payload: Float64Array, length: number): Column => ({
  kinds: new Uint8Array(length).fill(Kind.int),
  payload,
  heap: new Heap(),
})

/** The columns of the file, of which those of one `any` are the same. */
const fileColumns = (layout: Layout, { length, data, time, diff }: Columns): Column[] => [
  ...layout.flatMap(({ parts }, index) => parts.map(() => data[index]!)),
  required(time, length),
  required(diff, length),
]

/** Whether every value was held by some column. */
const checkHeld = (layout: Layout, { data, length }: Columns, held: readonly number[]): void => {
  let at = 0
  layout.forEach(({ parts }, index) => {
    let count = 0
    for (const _ of parts) count += held[at++]!
    if (count < length) count += countNulls(data[index]!, length)
    assert(count === length, 'every value has a type that its column names')
  })
}

/** The bytes of a file of `groups`, each a row group. Keeps one encoded row group in memory. */
export async function* encodeGroups(
  layout: Layout,
  groups: AsyncIterable<Columns>,
  profile: ParquetProfile,
  compression: OwnCompression,
  layoutText: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  const settings = { isTuned: profile === 'tuned', codec: Codec[compression] }
  const file = new FileEncoder(parquetColumns(layout), settings)
  yield file.start()
  for await (const columns of groups) {
    const { bytes, held } = file.rowGroup(fileColumns(layout, columns), columns.length)
    checkHeld(layout, columns, held)
    yield bytes
  }
  yield file.finish(new Map([[LAYOUT_KEY, layoutText]]))
}
