#!/usr/bin/env node
// Owns the `varve` command as a process.
import { main } from './cli/main.ts'
import { processOutput } from './cli/streams.ts'

process.exitCode = await main(process.argv.slice(2), processOutput())
