import { describe, expect, test } from 'vitest'
import { readWhole, replaceFile } from '../../src/disk/replace.ts'
import { SimulatedDisk } from '../simulation/disk.ts'

const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const read = async (disk: SimulatedDisk, path: string): Promise<string> =>
  new TextDecoder().decode(await readWhole(disk, path, 1000))

describe('replacing a file', () => {
  test('a crash at any call leaves the old content or the new one, and after it the new one', async () => {
    const calls = 12
    let old = 0
    let replaced = 0
    for (let stopAfter = 0; stopAfter <= calls; stopAfter++) {
      const base = new SimulatedDisk()
      await replaceFile(base, 'file', text('old'))
      const disk = base.crash('synced', { stopAfter })
      const done = await replaceFile(disk, 'file', text('new')).then(
        () => true,
        () => false,
      )
      for (const model of ['synced', 'all', 'zeros', { torn: 1 }, { prefix: 1 }] as const) {
        const content = await read(disk.crash(model), 'file')
        if (done) expect(content, `${stopAfter} ${JSON.stringify(model)}`).toBe('new')
        else expect(['old', 'new'], `${stopAfter} ${JSON.stringify(model)}`).toContain(content)
        if (content === 'old') old++
        else replaced++
      }
    }
    expect(old).toBeGreaterThan(0)
    expect(replaced).toBeGreaterThan(0)
  })

  test('a temporary file that a crash left is replaced', async () => {
    const disk = new SimulatedDisk()
    const file = await disk.open('file.tmp', 'create')
    await file.write(0, text('half of something else'))
    await file.close()
    await replaceFile(disk, 'file', text('whole'))
    expect(await read(disk, 'file')).toBe('whole')
    expect((await disk.list('')).map(({ name }) => name)).toEqual(['file'])
  })
})

test('a file that is larger than it can be is not read', async () => {
  const disk = new SimulatedDisk()
  await replaceFile(disk, 'file', text('0123456789'))
  await expect(readWhole(disk, 'file', 9)).rejects.toMatchObject({
    code: 'DISK_TOO_LARGE',
    details: { path: 'file', size: 10, maxBytes: 9 },
  })
  expect(await readWhole(disk, 'file', 10)).toEqual(text('0123456789'))
})
