// Owns `.status`, `.flush`, `.compact`: looking after the store.
import { requireAtMost, type SessionCommand, timeOf, wrongWords } from './command.ts'
import { compactionLines, flushLines, statusLines, statusMembers } from './report.ts'

export const statusCommand: SessionCommand = {
  name: 'status',
  usage: ['.status'],
  summary: 'Says how the store is: directory, health, log, buffers, shards, what recovery did.',
  run: async call => {
    requireAtMost(call, 0, statusCommand)
    const status = call.session.source.status()
    call.answer.tell({ status: statusMembers(status) }, ...statusLines(status))
  },
}

export const flushCommand: SessionCommand = {
  name: 'flush',
  usage: ['.flush'],
  summary: 'Writes all buffers into batches and lets the log start afresh.',
  run: async call => {
    requireAtMost(call, 0, flushCommand)
    const report = await call.session.store.flush()
    call.answer.tell({ ...report }, ...flushLines(report))
  },
}

export const compactCommand: SessionCommand = {
  name: 'compact',
  usage: ['.compact', '.compact since T'],
  summary: 'Merges the batches of every shard into one; since T gives up the history before time T.',
  run: async call => {
    const { words, source, session } = call
    if (words.length > 0 && words[0]!.text !== 'since') throw wrongWords(call, 0, compactCommand)
    if (words.length === 1) throw wrongWords(call, 1, compactCommand)
    requireAtMost(call, 2, compactCommand)
    const since = words[1] === undefined ? {} : { since: timeOf(source, words[1]) }
    const report = await session.store.compact(since)
    call.answer.tell({ ...report }, ...compactionLines(report))
  },
}
