#!/usr/bin/env node
// Owns the `varve` command as a process.
import { main } from './cli/main.ts'

process.exitCode = await main(process.argv.slice(2), {
  print: line => process.stdout.write(`${line}\n`),
  note: line => process.stderr.write(`${line}\n`),
})
