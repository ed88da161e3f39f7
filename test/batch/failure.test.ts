// Errors on their way from one thread to another.
import { expect, test } from 'vitest'
import { errorOf, failureOf } from '../../src/batch/failure.ts'
import { diskError } from '../../src/disk/system-error.ts'
import { CorruptionError, DiskError } from '../../src/errors.ts'

const arrived = (error: unknown): Error => errorOf(structuredClone(failureOf(error)))

test('an error of the disk keeps class, code, details and what the system said', () => {
  const system = Object.assign(new Error('ENOSPC: no space left on device, write'), {
    errno: -28,
    code: 'ENOSPC',
    syscall: 'write',
  })
  const sent = diskError(system, 'batches/1.parquet.tmp', 'write', 'B5')
  const error = arrived(sent)
  expect(error).toBeInstanceOf(DiskError)
  expect(error).toMatchObject({
    name: 'DiskError',
    code: 'DISK_FULL',
    message: sent.message,
    stack: sent.stack,
    details: { path: 'batches/1.parquet.tmp', operation: 'write', barrier: 'B5', errno: 'ENOSPC' },
    cause: { message: system.message, errno: -28, code: 'ENOSPC', syscall: 'write' },
  })
})

test('an error of damage keeps class, code, details and causes', () => {
  const details = { file: 'batches/1.parquet', rowGroup: 3, offset: 4 }
  const error = arrived(
    new CorruptionError('BATCH_CORRUPT', 'it is', details, new RangeError('beyond', { cause: 'why' })),
  )
  expect(error).toBeInstanceOf(CorruptionError)
  expect(error).toMatchObject({
    code: 'BATCH_CORRUPT',
    details,
    message: 'it is. file="batches/1.parquet", rowGroup=3, offset=4'.replaceAll('"', ''),
    cause: { name: 'RangeError', message: 'beyond', cause: { message: 'why' } },
  })
})

test('what cannot be sent is left out, and what is no error becomes one', () => {
  const error = arrived(Object.assign(new TypeError('odd'), { code: 7, call: () => {} }))
  expect(error).toMatchObject({ name: 'TypeError', message: 'odd', code: 7 })
  expect(error).not.toHaveProperty('call')
  expect(arrived(undefined)).toMatchObject({ name: 'Error', message: 'undefined' })
})
