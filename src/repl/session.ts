// Owns where a session stands: the store, the current knowledge graph, the time that it reads as of.
// Relation `r` of graph `g` is the shard `g:r`.
import { setImmediate as turn } from 'node:timers/promises'
import { didYouMean, nearestTo } from '../config/suggest.ts'
import { CommitError, InputError } from '../errors.ts'
import { detailsOf, type Source } from '../iql/source.ts'
import type { ColumnSchema } from '../model/schema.ts'
import { Reader } from '../store/reader.ts'
import type { Snapshot } from '../store/snapshot.ts'
import type { Store } from '../store/store.ts'

/** The graph that a session begins with. */
export const FIRST_GRAPH = 'default'

/** Rows between two turns of the event loop. */
const TURN_ROWS = 1000

/** Somebody at the terminal has seen enough. */
class Interrupted extends Error {
  readonly code = 'INTERRUPTED'
}

export class Session {
  /** What is read. */
  readonly source: Store | Reader
  graph: string = FIRST_GRAPH
  /** Undefined: now. */
  asOf: number | undefined
  /** Set by `.quit`. */
  ended = false
  /** Set to end what is being carried out, as soon as it asks. */
  interrupted = false

  constructor(source: Store | Reader) {
    this.source = source
  }

  /**
   * What is changed.
   * @throws {CommitError} READ_ONLY if the session only reads
   */
  get store(): Store {
    if (this.source instanceof Reader)
      throw new CommitError('READ_ONLY', 'the store is open for reading only', 'determinate')
    return this.source
  }

  /** Before each statement: a session that only reads sees what another process has made durable since. */
  async refresh(): Promise<void> {
    if (this.source instanceof Reader) await this.source.refresh()
  }

  /** Commits that a session that only reads leaves out, because nothing proves them yet; undefined if it also writes. */
  get unproven(): number | undefined {
    return this.source instanceof Reader ? this.source.status().unproven : undefined
  }

  /** Ends what is being carried out, as soon as it asks, and everything that would follow it. */
  end(): void {
    this.ended = true
    this.interrupted = true
  }

  /** What stands before the input of a statement. */
  get prompt(): string {
    return this.asOf === undefined ? `${this.graph}> ` : `${this.graph} @ ${this.asOf}> `
  }

  /** The shard of a relation of the current graph. */
  shardOf(relation: string): string {
    return `${this.graph}:${relation}`
  }

  /** The relations of a graph among these shards, in order. */
  relationsOf(shards: readonly string[], graph: string = this.graph): string[] {
    const prefix = `${graph}:`
    return shards.filter(shard => shard.startsWith(prefix)).map(shard => shard.slice(prefix.length))
  }

  /** The relations that a graph has now, in order. */
  relationsIn(graph: string): string[] {
    const shards = this.source.status().shards.map(({ name }) => name)
    return this.relationsOf(shards, graph)
  }

  /** The graphs that have shards, and the current one, in order. */
  get graphs(): string[] {
    const names = this.source.status().shards.map(({ name }) => name)
    const found = names.filter(name => name.includes(':')).map(name => name.slice(0, name.indexOf(':')))
    return [...new Set([...found, this.graph])].sort()
  }

  /** Throws if the session was interrupted. */
  requireGoingOn(): void {
    if (this.interrupted) throw new Interrupted('the statement was interrupted')
  }

  /** The same rows; the event loop turns now and then, so that an interruption is heard and ends them. */
  async *paced<T>(rows: AsyncIterable<T>): AsyncGenerator<T> {
    let count = 0
    for await (const row of rows) {
      if (++count % TURN_ROWS === 0) await turn()
      this.requireGoingOn()
      yield row
    }
  }

  /**
   * Reads at a time, by default the session's; the snapshot is closed behind it.
   * @throws what the store's snapshot throws
   */
  async read<T>(work: (snapshot: Snapshot) => Promise<T>, asOf: number | undefined = this.asOf): Promise<T> {
    const snapshot = await this.source.snapshot(asOf === undefined ? {} : { asOf })
    try {
      return await work(snapshot)
    } finally {
      await snapshot.close()
    }
  }
}

/** The error for a name that stands at `offset` of a statement and that nothing has. */
export const nameUnknown = (
  source: Source,
  offset: number,
  what: string,
  name: string,
  known: readonly string[],
): InputError => {
  const nearest = nearestTo(name, known)
  return new InputError('NAME_UNKNOWN', `there is no ${what} ${name}${didYouMean(nearest)}`, {
    ...detailsOf(source, offset),
    name,
    nearest,
  })
}

/** The error for a relation that stands at `offset` of a statement with another number of terms than it has columns. */
export const arityMismatch = (
  source: Source,
  { relation, offset }: { readonly relation: string; readonly offset: number },
  arity: number,
  found: number,
): InputError =>
  new InputError('ARITY_MISMATCH', `${relation} has ${arity} columns, not ${found}`, {
    ...detailsOf(source, offset),
    arity,
    found,
  })

/**
 * The columns of a relation that a statement names.
 * @throws {InputError} NAME_UNKNOWN
 */
export const columnsOf = (
  session: Session,
  snapshot: Snapshot,
  source: Source,
  { relation, offset }: { readonly relation: string; readonly offset: number },
): readonly ColumnSchema[] => {
  const relations = session.relationsOf(snapshot.shards)
  if (!relations.includes(relation)) throw nameUnknown(source, offset, 'relation', relation, relations)
  return snapshot.columns(session.shardOf(relation))
}
