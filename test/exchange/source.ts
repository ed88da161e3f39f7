// Text files in memory, read as an import reads them.
import type { ByteSource } from '../../src/exchange/lines.ts'
import type { TextMapping } from '../../src/exchange/survey.ts'
import { TextFile } from '../../src/exchange/text-file.ts'
import type { TextFormat } from '../../src/exchange/text-format.ts'
import { tupleAt } from '../../src/model/columns.ts'
import type { PlainUpdate } from '../support/values.ts'

/** A file with this content. */
export const sourceOf = (content: string | Uint8Array): ByteSource => {
  const bytes = Buffer.from(content as string)
  return {
    size: async () => bytes.length,
    read: async (offset, length) => new Uint8Array(bytes.subarray(offset, offset + length)),
  }
}

/** The updates of a file from row `skip` on. */
export const updatesOf = async <Cell>(file: TextFile<Cell>, skip = 0): Promise<PlainUpdate[]> => {
  const updates: PlainUpdate[] = []
  for await (const columns of file.chunks(skip))
    for (let row = 0; row < columns.length; row++)
      updates.push({ data: tupleAt(columns, row), time: columns.time[row]!, diff: columns.diff[row]! })
  return updates
}

/** A file with this content, open. */
export const opened = <Cell>(
  format: TextFormat<Cell>,
  content: string | Uint8Array,
  mapping: TextMapping = {},
): Promise<TextFile<Cell>> => TextFile.open(format, sourceOf(content), 'f', mapping)
