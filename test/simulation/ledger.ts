// Owns what a store should hold after a list of operations, as plain sums over a list of updates. Shares nothing with
// the engine but the text of a tuple.
import type { ColumnDeclaration } from '../../src/model/schema.ts'
import type { Update } from '../../src/model/update.ts'
import type { Value } from '../../src/model/value.ts'
import { type Contents, tupleText } from '../support/stores.ts'

/** What can be asked of a store that takes a place in its log. */
export type Operation =
  | { readonly kind: 'commit'; readonly updates: readonly Update[]; readonly time?: number }
  | {
      readonly kind: 'insert' | 'delete'
      readonly shard: string
      readonly tuples: readonly (readonly Value[])[]
    }
  | { readonly kind: 'declare'; readonly shard: string; readonly columns: readonly ColumnDeclaration[] }
  | { readonly kind: 'drop'; readonly shards: readonly string[] }

interface Entry {
  readonly tuple: string
  readonly time: number
  readonly diff: number
}

/** The updates of every shard, in the order in which they were committed. */
export class Ledger {
  /** The least time that a commit may still have. */
  upper = 0
  /** How many operations had an effect. */
  lsn = 0
  readonly #shards = new Map<string, Entry[]>()

  /** Names of the shards, sorted. */
  get shards(): string[] {
    return [...this.#shards.keys()].sort()
  }

  #add(shard: string, entries: readonly Entry[]): void {
    const known = this.#shards.get(shard) ?? []
    known.push(...entries)
    this.#shards.set(shard, known)
    for (const { time } of entries) this.upper = Math.max(this.upper, time + 1)
  }

  #multiplicity(shard: string, tuple: string): number {
    return (this.#shards.get(shard) ?? []).reduce(
      (sum, each) => sum + (each.tuple === tuple ? each.diff : 0),
      0,
    )
  }

  /** The updates that make facts present or absent. */
  #factual(shard: string, tuples: readonly (readonly Value[])[], isInsert: boolean): Entry[] {
    const entries: Entry[] = []
    for (const tuple of new Set(tuples.map(tupleText))) {
      const present = this.#multiplicity(shard, tuple)
      if (isInsert !== present > 0)
        entries.push({ tuple, time: this.upper, diff: isInsert ? 1 - present : -present })
    }
    return entries
  }

  /** Whether an operation would have an effect. */
  wants(operation: Operation): boolean {
    if (operation.kind !== 'insert' && operation.kind !== 'delete') return true
    return this.#factual(operation.shard, operation.tuples, operation.kind === 'insert').length > 0
  }

  /** Carries an operation out. Returns the time it took, or undefined if there was nothing to do. */
  apply(operation: Operation): number | undefined {
    const before = this.upper
    switch (operation.kind) {
      case 'commit':
        for (const { shard, data, diff, time } of operation.updates)
          this.#add(shard, [{ tuple: tupleText(data), time: time ?? operation.time ?? before, diff }])
        break
      case 'insert':
      case 'delete': {
        const entries = this.#factual(operation.shard, operation.tuples, operation.kind === 'insert')
        if (entries.length === 0) return undefined
        this.#add(operation.shard, entries)
        break
      }
      case 'declare':
        this.#add(operation.shard, [])
        break
      case 'drop':
        for (const shard of operation.shards) this.#shards.delete(shard)
        break
      default:
        operation satisfies never
    }
    this.lsn++
    return Math.max(0, this.upper - 1)
  }

  /** The contents of a shard as of a time. */
  read(shard: string, asOf: number): Contents {
    const sums: Contents = {}
    for (const { tuple, time, diff } of this.#shards.get(shard) ?? [])
      if (time <= asOf) sums[tuple] = (sums[tuple] ?? 0) + diff
    return Object.fromEntries(Object.entries(sums).filter(([, diff]) => diff !== 0))
  }
}
