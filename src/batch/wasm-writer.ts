// Owns writing a batch by parquet-wasm, for zstd, which Node has none of; and what encode-groups.ts is compared with.
// Whoever needs it imports it when it is needed: it loads parquet-wasm and Arrow.
import type { ParquetCompression, ParquetProfile } from '../config/settings.ts'
import { type Columns, emptyColumns } from '../model/columns.ts'
import { Kind } from '../model/value.ts'
import { encodeColumns } from './encode.ts'
import { LAYOUT_KEY, type Layout, type PartType } from './layout.ts'
import { type ColumnEncoding, encodeParquet } from './wasm-codec.ts'

const KIND_OF_TEXT: Readonly<Partial<Record<PartType, Kind>>> = { string: Kind.string, bytes: Kind.bytes }

/** How strings are best written, judged by the first row group: a dictionary pays where values come again. */
const textEncoding = (first: Columns, index: number, kind: Kind): ColumnEncoding => {
  const { kinds, payload } = first.data[index]!
  const distinct = new Set<number>()
  let rows = 0
  for (let row = 0; row < first.length; row++) {
    if (kinds[row] !== kind) continue
    distinct.add(payload[row]!)
    rows++
  }
  return distinct.size * 2 <= rows ? 'dictionary' : 'delta-strings'
}

const partEncoding = (type: PartType, first: Columns, index: number): ColumnEncoding => {
  const text = KIND_OF_TEXT[type]
  if (text !== undefined) return textEncoding(first, index, text)
  return type === 'int32' || type === 'int64' || type === 'timestamp' ? 'delta' : 'plain'
}

const tunedEncodings = (layout: Layout, first: Columns): Map<string, ColumnEncoding> => {
  const encodings = new Map<string, ColumnEncoding>([
    ['time', 'delta'],
    ['diff', 'delta'],
  ])
  layout.forEach(({ parts }, index) => {
    for (const { name, type } of parts) encodings.set(name, partEncoding(type, first, index))
  })
  return encodings
}

async function* encoded(
  layout: Layout,
  first: Columns,
  rest: AsyncIterator<Columns>,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (let group = first; ; ) {
    yield encodeColumns(layout, group)
    const next = await rest.next()
    if (next.done === true) return
    group = next.value
  }
}

/** As {@link import('./encode-groups.ts').encodeGroups}, with any compression. */
export async function* wasmEncodeGroups(
  layout: Layout,
  groups: AsyncIterable<Columns>,
  profile: ParquetProfile,
  compression: ParquetCompression,
  layoutText: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  const rest = groups[Symbol.asyncIterator]()
  try {
    const next = await rest.next()
    const first = next.done === true ? emptyColumns(layout.length) : next.value
    yield* encodeParquet(encoded(layout, first, rest), {
      compression,
      encodings: profile === 'tuned' ? tunedEncodings(layout, first) : new Map<string, ColumnEncoding>(),
      metadata: new Map([[LAYOUT_KEY, layoutText]]),
    })
  } finally {
    await rest.return?.()
  }
}
