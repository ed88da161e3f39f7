// Owns the frame of the JSON documents: store.json and the metadata of the shards (docs/format.md#documents).
// A document is one JSON object in one line; its last key is `checksum`, the CRC-32 of the bytes before `,"checksum"`.
// Invariant: what {@link readDocument} returns is to the byte what {@link writeDocument} was given.

import type { Disk } from '../disk/disk.ts'
import { type ReplaceBarriers, readWhole, replaceFile } from '../disk/replace.ts'
import { isUnreadable } from '../disk/system-error.ts'
import { type CorruptionCode, CorruptionError, DiskError } from '../errors.ts'
import { checksum } from '../model/checksum.ts'
import type { JsonObject } from '../model/json.ts'

/** A document is small: one entry a batch, and there are few batches. */
export const DOCUMENT_BYTES_MAX: number = 256 * 1024 * 1024

const TAIL = /^,"checksum":"([0-9a-f]{8})"\}\n$/
const TAIL_BYTES = ',"checksum":"00000000"}\n'.length

/** The bytes of a document with these fields, in this order. */
export const encodeDocument = (fields: JsonObject): Uint8Array => {
  const body = JSON.stringify(fields).slice(0, -1)
  return new TextEncoder().encode(`${body},"checksum":"${checksum(body)}"}\n`)
}

/**
 * The fields of a document.
 * @throws {CorruptionError} with `code`, naming `file`, if the checksum does not hold or it is no JSON object
 */
export const decodeDocument = (bytes: Uint8Array, file: string, code: CorruptionCode): JsonObject => {
  const cut = bytes.length - TAIL_BYTES
  const tail = cut > 0 ? TAIL.exec(Buffer.from(bytes.subarray(cut)).toString('latin1')) : null
  if (tail === null) throw new CorruptionError(code, 'the document does not end in its checksum', { file })
  const found = checksum(bytes.subarray(0, cut))
  if (found !== tail[1])
    throw new CorruptionError(code, 'the checksum does not match', { file, expected: tail[1], found })
  try {
    return JSON.parse(`${new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, cut))}}`)
  } catch (cause) {
    throw new CorruptionError(code, 'the document is not JSON', { file }, cause)
  }
}

/** Replaces a document, durable when the promise resolves. */
export const writeDocument = (
  disk: Disk,
  path: string,
  fields: JsonObject,
  barriers?: ReplaceBarriers,
): Promise<void> => replaceFile(disk, path, encodeDocument(fields), barriers)

/**
 * The fields of the document at `path`, or undefined if there is none.
 * @throws {CorruptionError} with `code`, naming the file, if it is damaged or what lies there cannot be read
 */
export const readDocument = async (
  disk: Disk,
  path: string,
  code: CorruptionCode,
): Promise<JsonObject | undefined> => {
  let bytes: Uint8Array
  try {
    bytes = await readWhole(disk, path, DOCUMENT_BYTES_MAX)
  } catch (cause) {
    if (cause instanceof DiskError && cause.code === 'DISK_MISSING') return undefined
    if (!isUnreadable(cause)) throw cause
    const { errno } = cause.details
    const details = { file: path, disk: cause.code, errno }
    throw new CorruptionError(code, 'the document cannot be read', details, cause)
  }
  return decodeDocument(bytes, path, code)
}
