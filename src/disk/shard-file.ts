// Owns the names of shards as file names. Invariants: two shards never meet in one file, not even on a disk that
// ignores case; every stem is a safe name on every system. docs/format.md#shard-files has the same rules in prose.
import { createHash } from 'node:crypto'
import { InputError } from '../errors.ts'

const MAX_NAME_BYTES = 1024
const MAX_STEM_LENGTH = 120 // room for an ending, and for a copy's, in the 143 bytes of an encrypting file system
const PREFIX_LENGTH = 55 // 55 + `~` + 64 hexadecimal digits of SHA-256 = 120

const KEPT = /^[a-z0-9-]$/
// Windows opens a device under these names, whatever the ending.
const RESERVED = /^(con|prn|aux|nul|com[1-9]|lpt[1-9])$/

const encodeByte = (byte: number): string => `%${byte.toString(16).padStart(2, '0')}`

const encode = (byte: number): string => {
  const letter = String.fromCharCode(byte)
  return KEPT.test(letter) ? letter : letter === ':' ? '_' : encodeByte(byte)
}

/**
 * The file name, without ending, of the shard `name`: `default:edge` -> `default_edge`. Injective: `_` stands for `:`
 * only, `%` for an encoded byte only, `~` for a shortened name only. Requires a name that {@link checkShardName}
 * accepts. The result matches `^[a-z0-9_%~-]+$` and has at most 120 characters.
 */
export const shardStem = (name: string): string => {
  const bytes = new TextEncoder().encode(name)
  let stem = Array.from(bytes, encode).join('')
  if (RESERVED.test(stem)) stem = encodeByte(bytes[0]!) + stem.slice(1)
  if (stem.length <= MAX_STEM_LENGTH) return stem
  return `${stem.slice(0, PREFIX_LENGTH)}~${createHash('sha256').update(bytes).digest('hex')}`
}

/**
 * `name`, if it can be the name of a shard: any well-formed string of 1 to 1024 bytes in UTF-8.
 * @throws {InputError} SHARD_NAME_INVALID with `place`
 */
export const checkShardName = (name: unknown, place: string): string => {
  if (
    typeof name !== 'string' ||
    name === '' ||
    !name.isWellFormed() ||
    Buffer.byteLength(name) > MAX_NAME_BYTES
  )
    throw new InputError('SHARD_NAME_INVALID', 'a shard name is a well-formed string of 1 to 1024 bytes', {
      place,
    })
  return name
}
