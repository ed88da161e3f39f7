// Owns `.as-of` and `.diff`: the past, and what became of it.
import { statementError } from '../iql/source.ts'
import type { ColumnSchema } from '../model/schema.ts'
import type { Value } from '../model/value.ts'
import type { Row } from '../store/row.ts'
import { requireAtMost, type SessionCommand, timeOf, wrongWords } from './command.ts'
import { titlesOf, typed } from './rows.ts'
import { columnsOf } from './session.ts'

export const asOfCommand: SessionCommand = {
  name: 'as-of',
  usage: ['.as-of', '.as-of T', '.as-of now'],
  summary: 'Says which time is read; reads as of time T from here on, and refuses changes; goes back to now.',
  run: async call => {
    const { session, source, words, answer } = call
    requireAtMost(call, 1, asOfCommand)
    const [word] = words
    if (word?.text === 'now') session.asOf = undefined
    else if (word !== undefined) {
      const asOf = timeOf(source, word)
      // Opened for its error: a time that is yet to come.
      await session.read(async () => {}, asOf)
      session.asOf = asOf
    }
    const latest = session.source.status().upper - 1
    const { asOf } = session
    answer.tell(
      { asOf: asOf ?? null, latest },
      asOf === undefined
        ? `Reading as of now (the latest time is ${latest < 0 ? 'yet to come' : latest}).`
        : `Reading as of ${asOf} (the latest time is ${latest}); .as-of now goes back.`,
    )
  },
}

async function* changed(rows: AsyncIterable<Row>, columns: readonly ColumnSchema[]): AsyncGenerator<Value[]> {
  for await (const { data, diff } of rows) yield [diff, ...typed(data, columns)]
}

export const diffCommand: SessionCommand = {
  name: 'diff',
  usage: ['.diff T1 T2', '.diff T1 T2 NAME'],
  summary:
    'Shows what changed after time T1 up to and including T2, in all relations of the graph or in one.',
  run: async call => {
    const { session, source, words, answer } = call
    if (words.length < 2) throw wrongWords(call, words.length, diffCommand)
    requireAtMost(call, 3, diffCommand)
    const from = timeOf(source, words[0]!)
    const to = timeOf(source, words[1]!)
    if (from > to) throw statementError(source, words[0]!.offset, `${from} is later than ${to}`)
    const name = words[2]
    await session.read(async snapshot => {
      const named = name && { relation: name.text, offset: name.offset }
      if (named !== undefined) columnsOf(session, snapshot, source, named)
      let count = 0
      for (const relation of named ? [named.relation] : session.relationsOf(snapshot.shards)) {
        const shard = session.shardOf(relation)
        const columns = snapshot.columns(shard)
        const rows = await answer.table({
          relation,
          columns: ['diff', ...titlesOf(columns)],
          rows: changed(session.paced(snapshot.changes(shard, { from })), columns),
        })
        if (rows > 0) answer.tell({}, `${rows} rows`)
        count += rows
      }
      answer.tell({ from, to, count }, ...(count === 0 ? ['No results.'] : []))
    }, to)
  },
}
