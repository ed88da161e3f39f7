// Owns the names of shards as file names.
import { createHash } from 'node:crypto'
import { InputError } from '../errors.ts'
import { isWellFormed } from '../model/value.ts'

const RESERVED = /^(con|prn|aux|nul|com[1-9]|lpt[1-9])$/

export const shardStem = (name: string): string => {
  let stem = ''
  for (const byte of Buffer.from(name, 'utf8')) {
    const letter = String.fromCharCode(byte)
    stem += /[a-z0-9-]/.test(letter) ? letter : letter === ':' ? '_' : `%${byte.toString(16).padStart(2, '0')}`
  }
  if (RESERVED.test(stem)) stem = `%${stem.charCodeAt(0).toString(16)}${stem.slice(1)}`
  if (stem.length <= 120) return stem
  return `${stem.slice(0, 55)}~${createHash('sha256').update(name).digest('hex')}`
}

export const checkShardName = (name: unknown, place: string): string => {
  if (typeof name !== 'string' || name === '' || !isWellFormed(name) || Buffer.byteLength(name) > 1024)
    throw new InputError('SHARD_NAME_INVALID', 'a shard name is a well-formed string of 1 to 1024 bytes', { place })
  return name
}
