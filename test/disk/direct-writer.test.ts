import { closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { DirectWriter } from '../../src/disk/direct-writer.ts'

const folder = mkdtempSync(join(tmpdir(), 'varve-direct-'))
afterAll(() => rmSync(folder, { recursive: true }))

const FILE_BYTES = 256 * 1024

/** Runs `work` on a new file of zeros. Returns what is in the file then. */
const onZeros = (work: (fd: number, writer: DirectWriter | undefined) => void): Uint8Array => {
  const path = join(folder, 'file')
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC)
  writeSync(fd, new Uint8Array(FILE_BYTES))
  const writer = DirectWriter.of(fd)
  try {
    work(fd, writer)
  } finally {
    writer?.close()
    closeSync(fd)
  }
  return new Uint8Array(readFileSync(path))
}

describe('a direct writer', () => {
  test('leaves in the file what writes through the cache would, where both take turns', () => {
    const steps = fc.array(
      fc.record({ length: fc.integer({ min: 1, max: 20_000 }), isDirect: fc.boolean() }),
      { minLength: 1, maxLength: 20 },
    )
    fc.assert(
      fc.property(steps, each => {
        const expected = new Uint8Array(FILE_BYTES)
        const found = onZeros((fd, writer) => {
          let offset = 0
          each.forEach(({ length, isDirect }, index) => {
            if (offset + length + 4096 > FILE_BYTES) return
            const bytes = new Uint8Array(length).fill(index + 1)
            // Where the system has no such write, everything goes the other way.
            if (!isDirect || writer?.write(offset, bytes) !== true) writeSync(fd, bytes, 0, length, offset)
            expected.set(bytes, offset)
            offset += length
          })
        })
        expect(Buffer.compare(found, expected)).toBe(0)
      }),
      { numRuns: 30 },
    )
  })

  test('writes nothing, and says so, where it is asked for more than it takes', () => {
    const found = onZeros((_, writer) => {
      expect(writer?.write(1, new Uint8Array(64 * 1024).fill(1)) ?? false).toBe(false)
    })
    expect(found.includes(1)).toBe(false)
  })

  test('is none for what is no open file', () => {
    expect(DirectWriter.of(987_654)).toBeUndefined()
  })
})
