// Owns the output of the process, and what becomes of it if that takes no more: it ends there and then, as the rest of
// a script whose answers nobody sees should not run. What was acknowledged is as safe as after any other end.
import { diskError, errnoOf } from '../disk/system-error.ts'
import type { Output } from './command.ts'

/** 128 + SIGPIPE: as other programs end whose reader has left, `varve status | head -1`. */
const EXIT_UNREAD = 141
const EXIT_FAILED = 1

/** Standard output and standard error. The process ends with 141 if nobody reads one of them, with 1 if it fails. */
export const processOutput = (): Output => {
  const { stdout, stderr } = process
  const endOn = (name: string) => (error: Error) => {
    if (errnoOf(error) === 'EPIPE') process.exit(EXIT_UNREAD)
    const { code, message } = diskError(error, name, 'write')
    if (name === 'standard output') stderr.write(`varve: ${code}: ${message}\n`)
    process.exit(EXIT_FAILED)
  }
  stdout.on('error', endOn('standard output'))
  stderr.on('error', endOn('standard error'))
  return {
    print: line => stdout.write(`${line}\n`),
    note: line => stderr.write(`${line}\n`),
  }
}
