// Owns the real data: the history of the lines of a repository, as updates (path, line) with times of its own.
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { asyncBufferFromFile, parquetRead } from 'hyparquet'

const PLACES = ['../../shared/data/line-history', '../fixtures/line-history'].map(folder =>
  fileURLToPath(new URL(`${folder}/updates.parquet`, import.meta.url)),
)

/** The whole history where it lies beside the project, else the beginning that comes with it. */
const FILE = PLACES.find(existsSync)

/** All values of the columns, in the order of the file. */
const columnsOf = async (names, rowEnd) => {
  const chunks = []
  await parquetRead({
    file: await asyncBufferFromFile(FILE),
    columns: names,
    rowEnd,
    // Row groups come in any order.
    onChunk: chunk => chunks.push(chunk),
  })
  chunks.sort((left, right) => left.rowStart - right.rowStart)
  const valuesOf = name =>
    chunks.filter(({ columnName }) => columnName === name).flatMap(({ columnData }) => Array.from(columnData))
  return Object.fromEntries(names.map(name => [name, valuesOf(name)]))
}

/**
 * Adds up, within each time, the diffs of equal tuples.
 * @param {number} length of what is read at most; what is added up has fewer
 * @returns {Promise<import('./data.js').Updates>}
 */
export const lines = async length => {
  const { path, line, time, diff } = await columnsOf(['path', 'line', 'time', 'diff'], length)
  /** By tuple: where it stands, of those at the time that is read. */
  let seen = new Map()
  const first = []
  const sums = []
  for (let row = 0; row < Math.min(length, time.length); row++) {
    if (row > 0 && time[row] !== time[row - 1]) seen = new Map()
    const key = `${path[row]}\0${line[row]}`
    const at = seen.get(key)
    if (at === undefined) {
      seen.set(key, first.length)
      first.push(row)
      sums.push(Number(diff[row]))
    } else sums[at] += Number(diff[row])
  }
  const kept = first.flatMap((row, at) => (sums[at] === 0 ? [] : [{ row, sum: sums[at] }]))
  return {
    columns: [kept.map(({ row }) => path[row]), kept.map(({ row }) => line[row])],
    diff: Int32Array.from(kept, ({ sum }) => sum),
    time: Int32Array.from(kept, ({ row }) => Number(time[row])),
    length: kept.length,
  }
}
