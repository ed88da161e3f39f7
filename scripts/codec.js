// `npm run build && node scripts/codec.js`: the measurements behind docs/decisions/0001-parquet-codec.md and
// 0012-our-own-parquet.md. One million updates of two integers, sorted, Snappy, columns to bytes and back; medians of
// five runs after one to warm up, in turns.
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { Int64, makeData, makeVector, Table, tableFromIPC, tableToIPC, Uint64 } from 'apache-arrow'
import { parquetReadObjects } from 'hyparquet'
import {
  Compression,
  Encoding,
  readParquet,
  Table as WasmTable,
  WriterPropertiesBuilder,
  writeParquet,
} from 'parquet-wasm'
import parquetjs from 'parquetjs-lite'
import { ColumnChunks, decodeGroup } from '../dist/batch/decode-group.js'
import { encodeGroups } from '../dist/batch/encode-groups.js'
import { layoutOf, layoutText } from '../dist/batch/layout.js'
import { slice } from '../dist/model/columns.js'
import { consolidate } from '../dist/model/consolidate.js'
import { Heap } from '../dist/model/heap.js'
import { Kind } from '../dist/model/value.js'
import { readFooter } from '../dist/parquet/footer.js'

const ROWS = 1_000_000
const NAMES = ['col0', 'col1', 'time', 'diff']
const file = join(tmpdir(), `varve-codec-${process.pid}.parquet`)
const OWN = join(tmpdir(), `varve-codec-${process.pid}-own.parquet`)

let state = 1
const random = below => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0
  return Math.floor((state / 2 ** 32) * below)
}

const integers = next => ({
  kinds: new Uint8Array(ROWS).fill(Kind.int),
  payload: Float64Array.from({ length: ROWS }, (_, row) => next(row)),
  heap: new Heap(),
})
const sorted = consolidate({
  length: ROWS,
  data: [integers(() => random(800_000)), integers(() => random(1_000_000))],
  time: integers(row => row >> 4).payload,
  diff: integers(row => (row % 5 === 0 ? -1 : 1)).payload,
})
const columns = {
  col0: BigInt64Array.from(sorted.data[0].payload, BigInt),
  col1: BigInt64Array.from(sorted.data[1].payload, BigInt),
  time: BigUint64Array.from(sorted.time, BigInt),
  diff: BigInt64Array.from(sorted.diff, BigInt),
}
const layout = layoutOf(['col0', 'col1'].map(name => ({ name, type: 'int64', declared: false })))

async function* groups() {
  for (let from = 0; from < ROWS; from += 65_536) yield slice(sorted, from, Math.min(ROWS, from + 65_536))
}

const vector = (data, type) => makeVector(makeData({ type, data, length: ROWS, nullCount: 0 }))
const table = new Table(
  Object.fromEntries(
    NAMES.map(name => [name, vector(columns[name], name === 'time' ? new Uint64() : new Int64())]),
  ),
)

const builder = () => new WriterPropertiesBuilder().setCompression(Compression.SNAPPY)
const tuned = () =>
  NAMES.reduce(
    (properties, name) => properties.setColumnEncoding(name, Encoding.DELTA_BINARY_PACKED),
    builder().setDictionaryEnabled(false).setMaxRowGroupSize(65_536),
  ).build()

const wasm = properties => ({
  write: async () => writeParquet(WasmTable.fromIPCStream(tableToIPC(table, 'stream')), properties()),
  read: async bytes => tableFromIPC(readParquet(bytes).intoIPCStream()).numRows,
})

const own = {
  write: async () => {
    const pieces = []
    const text = layoutText({ shard: 's', layout, origin: undefined })
    for await (const piece of encodeGroups(layout, groups(), 'tuned', 'snappy', text)) pieces.push(piece)
    return Buffer.concat(pieces)
  },
  read: async bytes => {
    const footer = readFooter(bytes)
    let rows = 0
    for (const [index, { chunks }] of footer.rowGroups.entries()) {
      const bytesOf = new Map(
        chunks.map(({ column, offset, length }) => [column, bytes.subarray(offset, offset + length)]),
      )
      rows += decodeGroup(layout, new ColumnChunks(footer, index, bytesOf)).length
    }
    return rows
  },
}
writeFileSync(OWN, await own.write())

const codecs = {
  'our own': own,
  'parquet-wasm, tuned': wasm(tuned),
  'parquet-wasm, defaults': wasm(() => builder().build()),
  'hyparquet reading the tuned file': {
    write: async () => writeParquet(WasmTable.fromIPCStream(tableToIPC(table, 'stream')), tuned()),
    read: async bytes => (await parquetReadObjects({ file: bytes.slice().buffer })).length,
  },
  DuckDB: {
    write: async () => {
      const connection = await (await DuckDBInstance.create()).connect()
      await connection.run(`copy (select * from '${OWN}') to '${file}' (format parquet)`)
      return readFileSync(file)
    },
    read: async () => {
      const connection = await (await DuckDBInstance.create()).connect()
      return Number(
        (await connection.runAndReadAll(`select sum(col0), count(*) from '${file}'`)).getRows()[0][1],
      )
    },
  },
  'parquetjs-lite': {
    write: async () => {
      const type = NAMES.map(name => [
        name,
        { type: name === 'time' ? 'UINT_64' : 'INT64', compression: 'SNAPPY' },
      ])
      const writer = await parquetjs.ParquetWriter.openFile(
        new parquetjs.ParquetSchema(Object.fromEntries(type)),
        file,
      )
      for (let row = 0; row < ROWS; row++)
        await writer.appendRow(Object.fromEntries(NAMES.map(name => [name, columns[name][row]])))
      await writer.close()
      return readFileSync(file)
    },
  },
}

const median = values => values.sort((a, b) => a - b)[values.length >> 1]

const RUNS = 5
const found = new Map(Object.keys(codecs).map(name => [name, { write: [], read: [] }]))
for (let run = 0; run <= RUNS; run++) {
  for (const [name, { write, read }] of Object.entries(codecs)) {
    // A hundred times slower than the others: once is enough.
    if (name === 'parquetjs-lite' && run > 0) continue
    const times = found.get(name)
    const start = performance.now()
    const bytes = await write()
    times.write.push(performance.now() - start)
    times.bytes = bytes.length
    if (read === undefined) continue
    const middle = performance.now()
    const rows = await read(bytes)
    times.read.push(performance.now() - middle)
    if (rows !== ROWS) throw new Error(`${name} read ${rows} rows`)
  }
}

const shown = times => (times.length === 0 ? '-' : Math.round(median(times.slice(times.length > 1 ? 1 : 0))))
console.log('| codec | write, ms | bytes a row | read, ms |\n|---|---|---|---|')
for (const [name, { write, read, bytes }] of found)
  console.log(`| ${name} | ${shown(write)} | ${(bytes / ROWS).toFixed(2)} | ${shown(read)} |`)
for (const path of [file, OWN]) rmSync(path, { force: true })
