// Owns what every disk must do alike, to the error codes: the store cannot tell them apart.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { BLOCK_BYTES, type Disk, type DiskFile } from '../../src/disk/disk.ts'
import { readWhole, replaceFile } from '../../src/disk/replace.ts'

const encode = (text: string): Uint8Array => new TextEncoder().encode(text)
const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

const put = async (disk: Disk, path: string, text: string): Promise<void> => {
  const file = await disk.open(path, 'create')
  await file.write(0, encode(text))
  await file.close()
}

const contentOf = async (disk: Disk, path: string): Promise<string> =>
  decode(await readWhole(disk, path, 1000))

const whole = async (file: DiskFile): Promise<string> => decode(await file.read(0, await file.size()))

/** Runs the contract on disks that `make` makes empty. */
export const testDiskContract = (
  name: string,
  make: () => Promise<Disk>,
  end?: () => Promise<void>,
): void => {
  describe(`${name} keeps the contract of a disk`, () => {
    let disk: Disk
    beforeEach(async () => {
      disk = await make()
    })
    afterEach(async () => end?.())

    test('what was written at a position is read there, fewer bytes only at the end', async () => {
      const file = await disk.open('a', 'create')
      await file.write(0, encode('hello world'))
      await file.write(6, encode('disks'))
      expect(decode(await file.read(0, 11))).toBe('hello disks')
      expect(decode(await file.read(6, 100))).toBe('disks')
      expect(await file.read(11, 5)).toHaveLength(0)
      expect(await file.read(500, 5)).toHaveLength(0)
      expect(await file.size()).toBe(11)
      await file.close()
      expect(await contentOf(disk, 'a')).toBe('hello disks')
    })

    test('writing behind the end, and extending, leave zeros; nothing of what was cut off comes back', async () => {
      const file = await disk.open('a', 'create')
      await file.write(0, encode('secret'))
      await file.truncate(2)
      await file.write(4, encode('x'))
      expect([...(await file.read(0, 9))]).toEqual([0x73, 0x65, 0, 0, 0x78])
      await file.truncate(7)
      expect([...(await file.read(4, 9))]).toEqual([0x78, 0, 0])
      await file.sync('B1')
      expect((await disk.stat('a'))?.size).toBe(7)
      await file.close()
    })

    test('what a read returned and what was given to a write belong to the caller', async () => {
      const file = await disk.open('a', 'create')
      const given = encode('abc')
      await file.write(0, given)
      given.fill(0)
      const read = await file.read(0, 3)
      read.fill(0)
      expect(await whole(file)).toBe('abc')
      await file.close()
    })

    test('a position that is none is a defect, not "where the descriptor stands"', async () => {
      const file = await disk.open('a', 'create')
      await file.write(0, encode('abc'))
      for (const offset of [-1, 0.5, Number.NaN]) {
        await expect(file.read(offset, 1)).rejects.toThrow('broken invariant')
        await expect(file.write(offset, encode('x'))).rejects.toThrow('broken invariant')
      }
      expect(await whole(file)).toBe('abc')
      await file.close()
    })

    test('`create` refuses what is there and leaves it as it is', async () => {
      await put(disk, 'a', 'old')
      await disk.makeDirectory('folder')
      await expect(disk.open('a', 'create')).rejects.toMatchObject({
        code: 'DISK_FAILED',
        details: { path: 'a', operation: 'open', errno: 'EEXIST' },
      })
      await expect(disk.open('folder', 'create')).rejects.toMatchObject({ code: 'DISK_FAILED' })
      expect(await contentOf(disk, 'a')).toBe('old')
    })

    test('`read` and `write` require the file, and `read` cannot change it', async () => {
      for (const mode of ['read', 'write'] as const) {
        await expect(disk.open('a', mode)).rejects.toMatchObject({
          code: 'DISK_MISSING',
          details: { path: 'a', operation: 'open', errno: 'ENOENT' },
        })
      }
      expect(await disk.stat('a')).toBeUndefined()
      await put(disk, 'a', 'old')
      const file = await disk.open('a', 'read')
      await expect(file.write(0, encode('new'))).rejects.toMatchObject({ code: 'DISK_FAILED' })
      await expect(file.truncate(0)).rejects.toMatchObject({ code: 'DISK_FAILED' })
      await file.sync('B1')
      expect(await whole(file)).toBe('old')
      await file.close()
    })

    test('what the thread itself writes and syncs is as if others had done it', async () => {
      const file = await disk.open('a', 'create')
      await file.sync('B1') // how long that takes may decide whether it can be had
      const { blocking } = file
      if (blocking !== undefined) {
        const given = encode('hello')
        blocking.write(2, given)
        given.fill(0)
        blocking.write(4, encode('LP'))
        blocking.sync('B1')
        expect([...(await file.read(0, 9))]).toEqual([0, 0, ...encode('heLPo')])
        expect(() => blocking.write(-1, encode('x'))).toThrow('broken invariant')
        await file.close()
        for (const call of [() => blocking.write(0, encode('x')), () => blocking.sync('B1')])
          expect(call).toThrow(expect.objectContaining({ code: 'DISK_FAILED' }))
        expect(await contentOf(disk, 'a')).toBe('\0\0heLPo')
      }
      await file.close()
      const reading = await disk.open('a', 'read')
      await reading.sync('B1')
      const readOnly = reading.blocking
      if (readOnly !== undefined)
        expect(() => readOnly.write(0, encode('x'))).toThrow(expect.objectContaining({ code: 'DISK_FAILED' }))
      await reading.close()
    })

    test('what is written over zeros at once is as if it had been written and synced', async () => {
      const file = await disk.open('a', 'create')
      await file.write(0, new Uint8Array(3 * BLOCK_BYTES))
      await file.sync('B1')
      const expected = new Uint8Array(3 * BLOCK_BYTES)
      let isDone = true
      for (const [offset, length] of [
        [10, 100],
        [110, BLOCK_BYTES],
        [BLOCK_BYTES + 110, 7],
      ] as const) {
        const bytes = new Uint8Array(length).fill(length)
        isDone = isDone && file.blocking?.overwrite?.(offset, bytes, 'B1') === true
        if (isDone) expected.set(bytes, offset)
      }
      expect(Buffer.compare(await file.read(0, expected.length), expected)).toBe(0)
      await file.close()
      expect(file.blocking?.overwrite?.(0, encode('x'), 'B1') ?? false).toBe(false)
      const reading = await disk.open('a', 'read')
      await reading.sync('B1')
      expect(reading.blocking?.overwrite?.(0, encode('x'), 'B1') ?? false).toBe(false)
      await reading.close()
      expect(Buffer.compare(await readWhole(disk, 'a', expected.length), expected)).toBe(0)
    })

    test('closing twice is fine, using a closed file is not', async () => {
      const file = await disk.open('a', 'create')
      await file.close()
      await file.close()
      await expect(file.read(0, 1)).rejects.toMatchObject({ code: 'DISK_FAILED', details: { path: 'a' } })
      await expect(file.sync('B1')).rejects.toMatchObject({
        code: 'DISK_FAILED',
        details: { operation: 'sync' },
      })
    })

    test('a removed file stays readable and writable through an open handle (rules 18)', async () => {
      await put(disk, 'a', 'old')
      const file = await disk.open('a', 'write')
      await disk.remove('a')
      await put(disk, 'a', 'new')
      await file.write(3, encode('er'))
      expect(await whole(file)).toBe('older')
      expect(await contentOf(disk, 'a')).toBe('new')
      await file.close()
    })

    test('rename replaces, and handles keep what they opened', async () => {
      await put(disk, 'a', 'from')
      await put(disk, 'b', 'to')
      const [from, to] = [await disk.open('a', 'read'), await disk.open('b', 'read')]
      await disk.rename('a', 'b')
      expect(await whole(from)).toBe('from')
      expect(await whole(to)).toBe('to')
      expect(await contentOf(disk, 'b')).toBe('from')
      expect(await disk.stat('a')).toBeUndefined()
      await disk.rename('b', 'b')
      expect(await contentOf(disk, 'b')).toBe('from')
      await Promise.all([from.close(), to.close()])
    })

    test('rename and remove refuse what is missing, and folders', async () => {
      await put(disk, 'a', 'a')
      await disk.makeDirectory('folder')
      const refusals: [() => Promise<unknown>, string][] = [
        [() => disk.rename('none', 'b'), 'DISK_MISSING'],
        [() => disk.rename('a', 'none/b'), 'DISK_MISSING'],
        [() => disk.rename('a', 'folder'), 'DISK_NOT_A_FILE'],
        [() => disk.rename('folder', 'other'), 'DISK_NOT_A_FILE'],
        [() => disk.remove('none'), 'DISK_MISSING'],
        [() => disk.remove('folder'), 'DISK_NOT_A_FILE'],
        [() => disk.remove(''), 'DISK_NOT_A_FILE'],
      ]
      for (const [refuse, code] of refusals) await expect(refuse()).rejects.toMatchObject({ code })
      expect((await disk.list('')).map(({ name }) => name)).toEqual(['a', 'folder'])
    })

    test('a folder lists its own entries, sorted, with their kinds', async () => {
      await disk.makeDirectory('folder')
      await disk.makeDirectory('folder/inner')
      for (const path of ['folder/b', 'folder/a', 'folder/B', 'folder/inner/x', 'c'])
        await put(disk, path, '')
      expect(await disk.list('folder')).toEqual([
        { name: 'B', kind: 'file' },
        { name: 'a', kind: 'file' },
        { name: 'b', kind: 'file' },
        { name: 'inner', kind: 'directory' },
      ])
      expect(await disk.list('')).toEqual([
        { name: 'c', kind: 'file' },
        { name: 'folder', kind: 'directory' },
      ])
      await expect(disk.list('none')).rejects.toMatchObject({ code: 'DISK_MISSING' })
      await expect(disk.list('c')).rejects.toMatchObject({ code: 'DISK_NOT_A_DIRECTORY' })
    })

    test('stat tells name, kind and size, and nothing of what is missing', async () => {
      await disk.makeDirectory('folder')
      await put(disk, 'folder/a', 'four')
      expect(await disk.stat('folder/a')).toEqual({ name: 'a', kind: 'file', size: 4 })
      expect(await disk.stat('folder')).toEqual({ name: 'folder', kind: 'directory', size: 0 })
      expect(await disk.stat('')).toEqual({ name: '', kind: 'directory', size: 0 })
      expect(await disk.stat('none/a')).toBeUndefined()
      await expect(disk.stat('folder/a/b')).rejects.toMatchObject({ code: 'DISK_NOT_A_DIRECTORY' })
    })

    test('a folder is made once, inside one that is there', async () => {
      await disk.makeDirectory('folder')
      await put(disk, 'folder/a', 'kept')
      await disk.makeDirectory('folder')
      await disk.makeDirectory('')
      expect(await contentOf(disk, 'folder/a')).toBe('kept')
      await expect(disk.makeDirectory('none/inner')).rejects.toMatchObject({ code: 'DISK_MISSING' })
      await expect(disk.makeDirectory('folder/a')).rejects.toMatchObject({ code: 'DISK_NOT_A_DIRECTORY' })
      await expect(disk.open('folder', 'read')).rejects.toMatchObject({ code: 'DISK_NOT_A_FILE' })
      await expect(disk.open('folder', 'write')).rejects.toMatchObject({ code: 'DISK_NOT_A_FILE' })
      await expect(disk.open('none/a', 'create')).rejects.toMatchObject({ code: 'DISK_MISSING' })
      await expect(disk.open('folder/a/b', 'create')).rejects.toMatchObject({ code: 'DISK_NOT_A_DIRECTORY' })
    })

    test('folders can be synced, and nothing else', async () => {
      await disk.makeDirectory('folder')
      await put(disk, 'a', '')
      await disk.syncDirectory('', 'B8')
      await disk.syncDirectory('folder', 'B8')
      await expect(disk.syncDirectory('none', 'B8')).rejects.toMatchObject({ code: 'DISK_MISSING' })
      await expect(disk.syncDirectory('a', 'B8')).rejects.toMatchObject({ code: 'DISK_NOT_A_DIRECTORY' })
    })

    test('replaceFile leaves the new bytes and no temporary file', async () => {
      await replaceFile(disk, 'a', encode('one'))
      await put(disk, 'a.tmp', 'left by a crash')
      await replaceFile(disk, 'a', encode('two'))
      expect(await contentOf(disk, 'a')).toBe('two')
      expect(await disk.list('')).toEqual([{ name: 'a', kind: 'file' }])
    })

    // GB-23, invariant 9
    test.each([
      '..',
      '.',
      '/',
      '/etc/passwd',
      'a/',
      '/a',
      'a//b',
      'a/../b',
      '../x',
      './a',
      'a\\b',
      'a\0b',
      '..\\x',
    ])('the path %j leads outside and is refused by every call', async path => {
      const outside = { code: 'DISK_OUTSIDE', details: { path } }
      await put(disk, 'fine', '')
      for (const mode of ['read', 'write', 'create'] as const)
        await expect(disk.open(path, mode)).rejects.toMatchObject(outside)
      await expect(disk.list(path)).rejects.toMatchObject(outside)
      await expect(disk.stat(path)).rejects.toMatchObject(outside)
      await expect(disk.makeDirectory(path)).rejects.toMatchObject(outside)
      await expect(disk.remove(path)).rejects.toMatchObject(outside)
      await expect(disk.syncDirectory(path, 'B8')).rejects.toMatchObject(outside)
      await expect(disk.rename(path, 'b')).rejects.toMatchObject(outside)
      await expect(disk.rename('fine', path)).rejects.toMatchObject(outside)
      expect(await disk.list('')).toEqual([{ name: 'fine', kind: 'file' }])
    })
  })
}
