// Owns how numbers, and plain tables of them, look to people.

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB']

/** A size for people: `17.0 MiB`. */
export const bytesText = (bytes: number): string => {
  const unit = bytes === 0 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10))
  return unit === 0 ? `${bytes} B` : `${(bytes / 1024 ** unit).toFixed(1)} ${UNITS[unit]}`
}

/** A duration for people: `12 ms`, `3.4 s`. */
export const millisecondsText = (milliseconds: number): string =>
  milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`

/** A table without lines: the first column to the left, the others to the right. */
export const columnsText = (header: readonly string[], rows: readonly (readonly string[])[]): string[] => {
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map(row => row[column]!.length)),
  )
  return [header, ...rows].map(row =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join('  ')
      .trimEnd(),
  )
}
