import { chmod, mkdir, readdir, rename, symlink, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openFolder } from '../../src/disk/folder.ts'
import { acquireLock } from '../../src/disk/lock.ts'
import { asOrdinaryUser, scratchFolder } from '../support/scratch.ts'

const touch = async (path: string): Promise<void> => writeFile(path, '')

test('what is missing is made, parents too, and the disk is rooted at `persist` in it', async () => {
  const scratch = await scratchFolder()
  const { disk, path, dataDir } = await openFolder(join(scratch, 'a', 'b'), { create: true })
  expect([dataDir, path]).toEqual([join(scratch, 'a', 'b'), join(scratch, 'a', 'b', 'persist')])
  await (await disk.open('file', 'create')).close()
  expect(await readdir(path)).toEqual(['file'])
  const again = await openFolder(join(scratch, 'a', 'b'), { create: true })
  expect(await again.disk.list('')).toEqual([{ name: 'file', kind: 'file' }])
})

test('without `create` nothing is made: a missing directory is DISK_MISSING', async () => {
  const scratch = await scratchFolder()
  await expect(openFolder(join(scratch, 'a', 'b'), { create: false })).rejects.toMatchObject({
    code: 'DISK_MISSING',
    details: { path: join(scratch, 'a', 'b', 'persist') },
  })
  await expect(openFolder(scratch, { create: false })).rejects.toMatchObject({ code: 'DISK_MISSING' })
  expect(await readdir(scratch)).toEqual([])
})

test('who only reads needs no permission to write', async () => {
  const scratch = await scratchFolder()
  const { path } = await openFolder(scratch, { create: true })
  await touch(join(path, 'file'))
  await chmod(path, 0o555)
  await asOrdinaryUser(async () => {
    const { disk } = await openFolder(scratch, { create: false })
    expect(await disk.list('')).toEqual([{ name: 'file', kind: 'file' }])
    const writing = openFolder(scratch, { create: true }).then(folder =>
      acquireLock(folder.disk, folder.path),
    )
    await expect(writing).rejects.toMatchObject({ code: 'DISK_DENIED' })
  })
  expect(await readdir(path)).toEqual(['file'])
})

test('a file in the place of the directory, of a parent or of `persist` is DISK_NOT_A_DIRECTORY (GB-29)', async () => {
  const scratch = await scratchFolder()
  await touch(join(scratch, 'file'))
  await mkdir(join(scratch, 'data'))
  await touch(join(scratch, 'data', 'persist'))
  for (const path of ['file', 'file/below', 'data']) {
    for (const create of [true, false])
      await expect(openFolder(join(scratch, path), { create })).rejects.toMatchObject({
        code: 'DISK_NOT_A_DIRECTORY',
      })
  }
  expect((await readdir(scratch, { recursive: true })).sort()).toEqual(['data', 'data/persist', 'file'])
})

test('what may not be written is DISK_DENIED, and nothing half-made stays (GB-29)', async () => {
  const scratch = await scratchFolder()
  await chmod(scratch, 0o555)
  await asOrdinaryUser(async () => {
    await expect(openFolder(join(scratch, 'a', 'b'), { create: true })).rejects.toMatchObject({
      code: 'DISK_DENIED',
      details: { errno: 'EACCES' },
    })
  })
  expect(await readdir(scratch)).toEqual([])
})

test('folders that were made before a later one failed are removed again, the others stay', async () => {
  const scratch = await scratchFolder()
  await mkdir(join(scratch, 'mine'))
  // No file system takes a name of 300 bytes, so the last of three folders cannot be made.
  const path = join(scratch, 'mine', 'a', 'b', 'x'.repeat(300))
  await expect(openFolder(path, { create: true })).rejects.toMatchObject({ code: 'DISK_FAILED' })
  expect(await readdir(scratch, { recursive: true })).toEqual(['mine'])
})

test('a relative path, a link as data directory, and a later chdir (LD-03)', async () => {
  const scratch = await scratchFolder()
  await mkdir(join(scratch, 'real'))
  await symlink('real', join(scratch, 'link'))
  const before = process.cwd()
  onTestFinished(() => process.chdir(before))
  process.chdir(scratch)
  const { disk, path } = await openFolder('link', { create: true })
  expect(path).toBe(join(scratch, 'real', 'persist'))
  process.chdir('/')
  await (await disk.open('file', 'create')).close()
  expect(await readdir(path)).toEqual(['file'])
  const found = await openFolder(relative('/', join(scratch, 'link')), { create: false })
  expect(found.path).toBe(path)
})

test('a link to nowhere is missing, and its target is not made', async () => {
  const scratch = await scratchFolder()
  await symlink('nowhere', join(scratch, 'link'))
  for (const create of [true, false])
    await expect(openFolder(join(scratch, 'link'), { create })).rejects.toMatchObject({
      code: 'DISK_MISSING',
    })
  expect(await readdir(scratch)).toEqual(['link'])
})

test('`persist` itself may not be a link (GB-23)', async () => {
  const scratch = await scratchFolder()
  const { path } = await openFolder(join(scratch, 'data'), { create: true })
  await rename(path, join(scratch, 'elsewhere'))
  await symlink(join(scratch, 'elsewhere'), path)
  for (const create of [true, false])
    await expect(openFolder(join(scratch, 'data'), { create })).rejects.toMatchObject({
      code: 'DISK_OUTSIDE',
      details: { path },
    })
})

test('eight opens at once agree', async () => {
  const scratch = await scratchFolder()
  const opens = Array.from({ length: 8 }, () => openFolder(join(scratch, 'a', 'b'), { create: true }))
  const paths = (await Promise.all(opens)).map(({ path }) => path)
  expect(new Set(paths)).toEqual(new Set([join(scratch, 'a', 'b', 'persist')]))
})
