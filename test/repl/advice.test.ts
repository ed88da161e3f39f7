import { expect, test } from 'vitest'
import { CommitError, CorruptionError, DiskError, LockedError } from '../../src/errors.ts'
import { adviceFor, explanationOf } from '../../src/repl/advice.ts'

test('who knows better than the code has said so in the message', () => {
  expect(adviceFor({ code: 'LAYOUT_INVALID' })).toMatch(/^varve repair --dry-run/)
  expect(adviceFor({ code: 'LAYOUT_INVALID', details: { advice: 'move it' } })).toBeUndefined()
  expect(adviceFor({ code: 'STATEMENT_INVALID', details: {} })).toBeUndefined()
})

test.each([
  new LockedError('LOCKED', 'taken', { advice: 'close that process' }),
  new DiskError('DISK_DENIED', 'read-only', { path: 'LOCK.tmp' }),
])('%s: reading needs no lock', error => {
  expect(adviceFor(error)).toContain('varve --read-only')
})

test('no advice where the disk denies something else', () => {
  expect(adviceFor(new DiskError('DISK_DENIED', 'permission denied', { path: 'store.json' }))).toBeUndefined()
})

test('causes are told as far as the store knows them', () => {
  const system = Object.assign(new Error('EIO: i/o error'), { code: 'EIO' })
  const disk = new DiskError('DISK_FAILED', 'the disk failed', { path: 'batches/1.parquet' }, system)
  const damage = new CorruptionError(
    'BATCH_CORRUPT',
    'a batch cannot be read',
    { file: 'batches/1.parquet' },
    disk,
  )
  const error = new CommitError('SHARD_DAMAGED', 'the shard is damaged', 'determinate', {}, damage)
  expect(explanationOf(error)).toEqual([
    '  because of BATCH_CORRUPT: a batch cannot be read. file=batches/1.parquet',
    '  because of DISK_FAILED: the disk failed. path=batches/1.parquet',
    expect.stringMatching(/^ {2}what to do: varve repair/),
  ])
  expect(explanationOf('no error')).toEqual([])
})

test('nobody is sent back to the command that failed', () => {
  const error = new CorruptionError('WAL_INVALID', 'the line cannot be')
  expect(explanationOf(error, 'flush').join()).toContain('varve repair --dry-run')
  expect(explanationOf(error, 'repair').join()).not.toContain('varve repair')
})
