// Owns `.rel`: what relations there are, a look into one, and the end of one.
import { StoreError } from '../errors.ts'
import { nameOfType } from '../iql/column-type.ts'
import type { ColumnSchema } from '../model/schema.ts'
import type { Snapshot } from '../store/snapshot.ts'
import { type Call, requireAtMost, type SessionCommand, wrongWords } from './command.ts'
import { requireNow } from './facts.ts'
import { present, titlesOf } from './rows.ts'
import { columnsOf, nameUnknown } from './session.ts'

/** Rows that `.rel name` shows. */
const SHOWN_ROWS = 20

const typeOf = ({ type, declared }: ColumnSchema): string => (declared ? nameOfType(type) : 'any')

/** How many facts a relation has, or the code of the error that keeps them from being counted: a damaged shard. */
const countOf = async (snapshot: Snapshot, shard: string): Promise<number | string> => {
  try {
    return (await snapshot.count(shard)).present
  } catch (error) {
    if (error instanceof StoreError) return error.code
    throw error
  }
}

const listRelations = async ({ session, answer }: Call, snapshot: Snapshot): Promise<void> => {
  const relations: { name: string; columns: { name: string; type: string }[]; tuples: number | string }[] = []
  for (const name of session.relationsOf(snapshot.shards)) {
    const shard = session.shardOf(name)
    const columns = snapshot.columns(shard).map(column => ({ name: column.name, type: typeOf(column) }))
    relations.push({ name, columns, tuples: await countOf(snapshot, shard) })
  }
  const lines = relations.map(({ name, columns, tuples }) => {
    const list = columns.map(column => `${column.name}: ${column.type}`).join(', ')
    return `  ${name} (arity: ${columns.length}, columns: [${list}], tuples: ${tuples})`
  })
  answer.tell({ relations }, ...(lines.length === 0 ? ['No relations.'] : ['Relations:', ...lines]))
}

const showRelation = async ({ session, source, words, answer }: Call, snapshot: Snapshot): Promise<void> => {
  const { text: relation, offset } = words[0]!
  const columns = columnsOf(session, snapshot, source, { relation, offset })
  const shard = session.shardOf(relation)
  let total = 0
  async function* first() {
    const rows = session.paced(snapshot.rows(shard))
    for await (const row of present(rows, columns)) if (total++ < SHOWN_ROWS) yield row
  }
  answer.tell({ relation }, `Relation: ${relation}`)
  const shown = await answer.table({ columns: titlesOf(columns), rows: first() })
  answer.tell({ total }, `${shown} of ${total} total rows`)
}

const dropRelation = async ({ session, source, words, answer }: Call): Promise<void> => {
  requireNow(session, source)
  const { text: relation, offset } = words[1]!
  const relations = session.relationsIn(session.graph)
  if (!relations.includes(relation)) throw nameUnknown(source, offset, 'relation', relation, relations)
  await session.store.drop(session.shardOf(relation))
  answer.tell({ relation, dropped: true }, `Relation '${relation}' dropped.`)
}

export const relationCommand: SessionCommand = {
  name: 'rel',
  usage: ['.rel', '.rel NAME', '.rel drop NAME'],
  summary: `Lists the relations of the current knowledge graph, shows the first ${SHOWN_ROWS} facts of one, or drops one with its history.`,
  run: async call => {
    const { session, words } = call
    // A relation may be called drop.
    const isDrop =
      words[0]?.text === 'drop' && (words.length > 1 || !session.relationsIn(session.graph).includes('drop'))
    if (isDrop && words.length === 1) throw wrongWords(call, 1, relationCommand)
    requireAtMost(call, isDrop ? 2 : 1, relationCommand)
    if (isDrop) return dropRelation(call)
    await session.read(snapshot => (words.length === 0 ? listRelations : showRelation)(call, snapshot))
  },
}
