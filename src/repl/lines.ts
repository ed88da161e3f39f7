// Owns making lines of bytes as they come.
import { InputError } from '../errors.ts'

/**
 * The lines of a text in UTF-8, without their line breaks; a byte order mark is passed over.
 * @param place names the text in an error
 * @throws {InputError} FILE_INVALID if it is not UTF-8
 */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>, place: string): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let rest = ''
  let count = 0
  const decode = (chunk?: Uint8Array): string => {
    try {
      return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true })
    } catch {
      throw new InputError('FILE_INVALID', 'the text is not UTF-8', { file: place, line: count + 1 })
    }
  }
  for await (const chunk of chunks) {
    const lines = (rest + decode(chunk)).split('\n')
    rest = lines.pop()!
    for (const line of lines) {
      count++
      yield line.endsWith('\r') ? line.slice(0, -1) : line
    }
  }
  rest += decode()
  if (rest !== '') yield rest
}
