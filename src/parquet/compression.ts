// Owns the codecs of column chunks, as far as this Node has them; zstd is a library's: batch/wasm-codec.ts.
import { gunzipSync, gzipSync } from 'node:zlib'
import { MalformedParquet } from './malformed.ts'
import { compress as snappy, uncompress as unsnappy } from './snappy.ts'

/** Numbers of Parquet's `CompressionCodec`. */
export const Codec = { none: 0, snappy: 1, gzip: 2 } as const
export type Codec = (typeof Codec)[keyof typeof Codec]

/** Whether a codec, by its number, is one of ours. */
export const isCodec = (codec: number): codec is Codec => codec >= Codec.none && codec <= Codec.gzip

export const compressed = (codec: Codec, bytes: Uint8Array): Uint8Array => {
  switch (codec) {
    case Codec.none:
      return bytes
    case Codec.snappy:
      return snappy(bytes)
    case Codec.gzip:
      return gzipSync(bytes)
    default:
      return codec satisfies never
  }
}

/** More than what a byte of Snappy becomes: three copy 64. */
const SNAPPY_EXPANSION = 32

/**
 * The `size` bytes that were compressed, with room behind them.
 * @throws {MalformedParquet} if they are not as many
 */
export const uncompressed = (codec: Codec, bytes: Uint8Array, size: number): Uint8Array => {
  const sized = (result: Uint8Array): Uint8Array => {
    if (result.length !== size) throw new MalformedParquet('a page has another size')
    return result
  }
  switch (codec) {
    case Codec.none:
      return sized(bytes)
    case Codec.snappy: {
      // No more memory is asked for than the bytes can be worth.
      if (size > bytes.length * SNAPPY_EXPANSION) throw new MalformedParquet('a page has another size')
      const out = new Uint8Array(size + 8)
      unsnappy(bytes, out.subarray(0, size))
      return out.subarray(0, size)
    }
    case Codec.gzip:
      try {
        return sized(gunzipSync(bytes, { maxOutputLength: Math.max(1, size) }))
      } catch (cause) {
        throw new MalformedParquet('the compressed bytes are not gzip', { cause })
      }
    default:
      return codec satisfies never
  }
}
