// Owns making lines of bytes as they come.
import { InputError } from '../errors.ts'

const NEWLINE = 10
const BYTE_ORDER_MARK = '\ufeff'

/**
 * The lines of a text in UTF-8, without their line breaks; a byte order mark is passed over.
 * @param place names the text in an error
 * @throws {InputError} FILE_INVALID for a line that is not UTF-8, behind all lines before it
 */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>, place: string): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let rest: Uint8Array[] = []
  let count = 0
  // Lines are cut before they are decoded: no byte of a longer character is a line break.
  const take = (end: Uint8Array): string => {
    const bytes = rest.length === 0 ? end : Buffer.concat([...rest, end])
    rest = []
    count++
    try {
      const line = decoder.decode(bytes)
      return count === 1 && line.startsWith(BYTE_ORDER_MARK) ? line.slice(1) : line
    } catch {
      throw new InputError('FILE_INVALID', 'the line is not UTF-8', { file: place, line: count })
    }
  }
  for await (const chunk of chunks) {
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      const line = take(chunk.subarray(start, end))
      yield line.endsWith('\r') ? line.slice(0, -1) : line
      start = end + 1
    }
    if (start < chunk.length) rest.push(chunk.subarray(start))
  }
  if (rest.length > 0) yield take(new Uint8Array())
}
