#!/usr/bin/env node
// Owns the `varve` command as a process.
import { main } from './cli/main.ts'

// Whoever reads our output may stop: `varve status | head -1`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit()
  throw error
})

process.exitCode = await main(process.argv.slice(2), {
  print: line => process.stdout.write(`${line}\n`),
  note: line => process.stderr.write(`${line}\n`),
})
