// `node scripts/codec.js`: the measurements behind docs/decisions/0001-parquet-codec.md. One million updates of two
// integers, Snappy, columns to bytes and back; medians of three runs after one to warm up.
import { rmSync } from 'node:fs'
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

const ROWS = 1_000_000
const NAMES = ['col0', 'col1', 'time', 'diff']
const file = join(tmpdir(), `varve-codec-${process.pid}.parquet`)

let state = 1
const random = below => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0
  return Math.floor((state / 2 ** 32) * below)
}

const columns = {
  col0: BigInt64Array.from({ length: ROWS }, () => BigInt(random(800_000))),
  col1: BigInt64Array.from({ length: ROWS }, () => BigInt(random(1_000_000))),
  time: BigUint64Array.from({ length: ROWS }, (_, row) => BigInt(row >> 4)),
  diff: BigInt64Array.from({ length: ROWS }, (_, row) => (row % 5 === 0 ? -1n : 1n)),
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

const codecs = {
  'parquet-wasm, tuned': wasm(tuned),
  'parquet-wasm, defaults': wasm(() => builder().build()),
  'hyparquet reading the tuned file': {
    write: async () => writeParquet(WasmTable.fromIPCStream(tableToIPC(table, 'stream')), tuned()),
    read: async bytes => (await parquetReadObjects({ file: bytes.slice().buffer })).length,
  },
  DuckDB: {
    write: async () => {
      const connection = await (await DuckDBInstance.create()).connect()
      await connection.run(`copy (select (random() * 800000)::bigint as col0, (random() * 1000000)::bigint as col1, i >> 4 as "time",
        case when i % 5 = 0 then -1 else 1 end::bigint as diff from range(${ROWS}) t(i)) to '${file}'`)
      return (await import('node:fs')).readFileSync(file)
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
      return (await import('node:fs')).readFileSync(file)
    },
  },
}

const median = values => values.sort((a, b) => a - b)[values.length >> 1]

const timed = async (runs, work) => {
  const times = []
  let result
  for (let run = 0; run <= runs; run++) {
    const start = performance.now()
    result = await work()
    if (run > 0 || runs === 1) times.push(performance.now() - start)
  }
  return { result, ms: Math.round(median(times)) }
}

console.log('| codec | write, ms | file, MB | read, ms |\n|---|---|---|---|')
for (const [name, { write, read }] of Object.entries(codecs)) {
  const runs = name === 'parquetjs-lite' ? 1 : 3
  const written = await timed(runs, write)
  const back = read === undefined ? undefined : await timed(runs, () => read(written.result))
  if (back !== undefined && back.result !== ROWS) throw new Error(`${name} read ${back.result} rows`)
  console.log(
    `| ${name} | ${written.ms} | ${(written.result.length / 1e6).toFixed(1)} | ${back?.ms ?? '-'} |`,
  )
}
rmSync(file, { force: true })
