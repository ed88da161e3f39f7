import { execFileSync } from 'node:child_process'
import { chmod, link, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { NodeDisk } from '../../src/disk/node-disk.ts'
import { diskError } from '../../src/disk/system-error.ts'
import { asOrdinaryUser, scratchFolder } from '../support/scratch.ts'
import { testDiskContract } from './disk-contract.ts'

let root = ''
testDiskContract(
  'NodeDisk',
  async () => {
    root = await mkdtemp(join(tmpdir(), 'varve-contract-'))
    return new NodeDisk(root)
  },
  () => rm(root, { recursive: true, force: true }),
)

/** A disk, with a folder beside it that no path on the disk may reach. */
const besideSecrets = async (): Promise<{ disk: NodeDisk; inside: string; outside: string }> => {
  const folder = await scratchFolder()
  const [inside, outside] = [join(folder, 'inside'), join(folder, 'outside')]
  await mkdir(inside)
  await mkdir(outside)
  await writeFile(join(outside, 'secret'), 'secret')
  return { disk: new NodeDisk(inside), inside, outside }
}

test('a folder that is a link leads nowhere, whatever the call (GB-23)', async () => {
  const { disk, inside, outside } = await besideSecrets()
  await symlink(outside, join(inside, 'way'))
  await writeFile(join(inside, 'mine'), 'mine')
  const refused = { code: 'DISK_OUTSIDE' }
  await expect(disk.open('way/secret', 'read')).rejects.toMatchObject(refused)
  await expect(disk.open('way/secret', 'write')).rejects.toMatchObject(refused)
  await expect(disk.open('way/new', 'create')).rejects.toMatchObject(refused)
  await expect(disk.list('way')).rejects.toMatchObject(refused)
  await expect(disk.stat('way/secret')).rejects.toMatchObject(refused)
  await expect(disk.makeDirectory('way')).rejects.toMatchObject(refused)
  await expect(disk.makeDirectory('way/new')).rejects.toMatchObject(refused)
  await expect(disk.remove('way/secret')).rejects.toMatchObject(refused)
  await expect(disk.rename('way/secret', 'stolen')).rejects.toMatchObject(refused)
  await expect(disk.rename('mine', 'way/mine')).rejects.toMatchObject(refused)
  await expect(disk.syncDirectory('way', 'B8')).rejects.toMatchObject(refused)
  expect(await readdir(outside)).toEqual(['secret'])
  expect(await disk.list('')).toEqual([
    { name: 'mine', kind: 'file' },
    { name: 'way', kind: 'other' },
  ])
})

test('a file that is a link is not followed; removing it removes the link', async () => {
  const { disk, inside, outside } = await besideSecrets()
  await symlink(join(outside, 'secret'), join(inside, 'a'))
  await symlink(join(outside, 'made'), join(inside, 'b'))
  await expect(disk.open('a', 'read')).rejects.toMatchObject({
    code: 'DISK_NOT_A_FILE',
    details: { path: 'a' },
  })
  await expect(disk.open('a', 'write')).rejects.toMatchObject({ code: 'DISK_NOT_A_FILE' })
  await expect(disk.open('b', 'create')).rejects.toMatchObject({ code: 'DISK_FAILED' })
  expect(await disk.stat('a')).toEqual({ name: 'a', kind: 'other', size: 0 })
  await disk.remove('a')
  expect(await readdir(inside)).toEqual(['b'])
  expect(await readdir(outside)).toEqual(['secret'])
  expect(await readFile(join(outside, 'secret'), 'utf8')).toBe('secret')
})

test('a FIFO, a socket and a device are no files, and opening them does not hang', async () => {
  const { disk, inside } = await besideSecrets()
  execFileSync('mkfifo', [join(inside, 'fifo')])
  const server = createServer().listen(join(inside, 'socket'))
  onTestFinished(() => void server.close())
  await new Promise(resolve => server.once('listening', resolve))
  for (const path of ['fifo', 'socket']) {
    for (const mode of ['read', 'write'] as const)
      await expect(disk.open(path, mode)).rejects.toMatchObject({
        code: 'DISK_NOT_A_FILE',
        details: { path },
      })
    await expect(disk.open(path, 'create')).rejects.toMatchObject({ code: 'DISK_FAILED' })
    expect((await disk.stat(path))?.kind).toBe('other')
  }
  await expect(new NodeDisk('/dev').open('null', 'read')).rejects.toMatchObject({ code: 'DISK_NOT_A_FILE' })
})

test('a name with two links is a file like another', async () => {
  const { disk, inside, outside } = await besideSecrets()
  await link(join(outside, 'secret'), join(inside, 'a'))
  const file = await disk.open('a', 'read')
  expect(new TextDecoder().decode(await file.read(0, 6))).toBe('secret')
  await file.close()
})

test('what the user may not touch is DISK_DENIED, with the path and the cause (GB-29)', async () => {
  const { disk, inside } = await besideSecrets()
  await writeFile(join(inside, 'a'), 'a')
  await chmod(join(inside, 'a'), 0o000)
  await chmod(inside, 0o555)
  await asOrdinaryUser(async () => {
    const error: unknown = await disk.open('a', 'read').catch((cause: unknown) => cause)
    expect(error).toMatchObject({
      code: 'DISK_DENIED',
      details: { path: 'a', operation: 'open', errno: 'EACCES' },
      cause: { code: 'EACCES' },
    })
    await expect(disk.open('b', 'create')).rejects.toMatchObject({ code: 'DISK_DENIED' })
    await expect(disk.makeDirectory('b')).rejects.toMatchObject({ code: 'DISK_DENIED' })
    await expect(disk.remove('a')).rejects.toMatchObject({ code: 'DISK_DENIED' })
  })
})

test.each([
  ['ENOENT', 'DISK_MISSING'],
  ['EACCES', 'DISK_DENIED'],
  ['EPERM', 'DISK_DENIED'],
  ['EROFS', 'DISK_DENIED'],
  ['ENOSPC', 'DISK_FULL'],
  ['EDQUOT', 'DISK_FULL'],
  ['EFBIG', 'DISK_FULL'],
  ['ENOTDIR', 'DISK_NOT_A_DIRECTORY'],
  ['ELOOP', 'DISK_NOT_A_FILE'],
  ['EISDIR', 'DISK_NOT_A_FILE'],
  ['EIO', 'DISK_FAILED'],
  ['EMFILE', 'DISK_FAILED'],
])('%s is %s', (errno, code) => {
  const cause = Object.assign(new Error(errno), { code: errno })
  const error = diskError(cause, 'a/b', 'write')
  expect(error).toMatchObject({ code, details: { path: 'a/b', operation: 'write', errno }, cause })
  expect(diskError(error, 'other', 'read')).toBe(error)
})
