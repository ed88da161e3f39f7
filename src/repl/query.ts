// Owns queries: one positive atom, whose constants the store looks for by its statistics.
import type { Source } from '../iql/source.ts'
import type { Statement } from '../iql/statement.ts'
import type { Term } from '../iql/term.ts'
import type { Where } from '../model/predicate.ts'
import type { ColumnSchema } from '../model/schema.ts'
import { compareValues, type Value } from '../model/value.ts'
import type { Answer } from './answer.ts'
import { cellText } from './cell.ts'
import { present } from './rows.ts'
import { arityMismatch, columnsOf, type Session } from './session.ts'

/** The constants of the terms, by column. */
const whereOf = (terms: readonly Term[], columns: readonly ColumnSchema[]): Where =>
  Object.fromEntries(
    terms.flatMap((term, index) => (term.kind === 'constant' ? [[columns[index]!.name, term.value]] : [])),
  )

/** Pairs of positions with the same variable: their values must be equal. */
const equalitiesOf = (terms: readonly Term[]): [number, number][] => {
  const seen = new Map<string, number>()
  const pairs: [number, number][] = []
  for (const [index, term] of terms.entries()) {
    if (term.kind !== 'variable') continue
    const first = seen.get(term.name)
    if (first === undefined) seen.set(term.name, index)
    else pairs.push([first, index])
  }
  return pairs
}

async function* where(
  rows: AsyncIterable<Value[]>,
  equalities: readonly (readonly [number, number])[],
): AsyncGenerator<Value[]> {
  for await (const row of rows)
    if (equalities.every(([a, b]) => compareValues(row[a]!, row[b]!) === 0)) yield row
}

const titleOf = (term: Term): string => {
  if (term.kind === 'constant') return cellText(term.value)
  return term.kind === 'variable' ? term.name : '_'
}

/** Answers a query with the facts that match it, whole, in order. */
export const query = (
  session: Session,
  source: Source,
  { goal, asOf }: Statement & { kind: 'query' },
  answer: Answer,
): Promise<void> =>
  session.read(async snapshot => {
    const { relation, terms } = goal
    const columns = columnsOf(session, snapshot, source, goal)
    if (columns.length !== terms.length) throw arityMismatch(source, goal, columns.length, terms.length)
    const rows = snapshot.rows(session.shardOf(relation), { where: whereOf(terms, columns) })
    const count = await answer.table({
      columns: columns.every(({ declared }) => declared)
        ? columns.map(({ name }) => name)
        : terms.map(titleOf),
      rows: where(present(session.paced(rows), columns), equalitiesOf(terms)),
    })
    answer.tell({}, count === 0 ? 'No results.' : `${count} rows`)
  }, asOf)
