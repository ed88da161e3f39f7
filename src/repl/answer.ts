// Owns the two forms of a statement's answer: lines for people, one JSON object for programs.
import type { Value } from '../model/value.ts'
import { valueText } from '../model/value-json.ts'
import { printable } from '../text/printable.ts'
import { Box } from './box.ts'

export interface Table {
  /** The relation, where an answer has a table for each of several. */
  readonly relation?: string
  readonly columns: readonly string[]
  /** As many values in each as there are columns; floats as `Float` where they are integral. */
  readonly rows: AsyncIterable<readonly Value[]>
}

/** Takes what a statement answers. */
export interface Answer {
  /** Members of the object for programs, and lines for people. */
  tell(members: Readonly<Record<string, unknown>>, ...lines: readonly string[]): void
  /** A table; resolves to the number of its rows. */
  table(table: Table): Promise<number>
}

/** Prints as it is told. A table without rows prints nothing. */
export class TextAnswer implements Answer {
  readonly #print: (line: string) => void

  constructor(print: (line: string) => void) {
    this.#print = line => print(printable(line))
  }

  tell(_members: Readonly<Record<string, unknown>>, ...lines: readonly string[]): void {
    for (const line of lines) this.#print(line)
  }

  async table({ relation, columns, rows }: Table): Promise<number> {
    const box = new Box(columns, this.#print)
    let count = 0
    for await (const row of rows) {
      if (count === 0 && relation !== undefined) this.#print(`Relation: ${relation}`)
      count++
      box.row(row)
    }
    if (count > 0) box.end()
    return count
  }
}

/** An integer beyond JSON's, in the details of an error, is told as text. */
const plain = (_name: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value)

/**
 * Collects the members of one JSON object. Values are in their JSON form, docs/format.md#values. A table becomes
 * `columns` and `rows`; tables of relations become `relations`, each such an object with its `relation`.
 */
export class JsonAnswer implements Answer {
  readonly #members: string[]
  readonly #relations: string[] = []

  /** @param members the first ones */
  constructor(members: Readonly<Record<string, unknown>>) {
    this.#members = []
    this.tell(members)
  }

  tell(members: Readonly<Record<string, unknown>>): void {
    for (const [name, value] of Object.entries(members))
      if (value !== undefined) this.#members.push(`${JSON.stringify(name)}:${JSON.stringify(value, plain)}`)
  }

  async table({ relation, columns, rows }: Table): Promise<number> {
    const texts: string[] = []
    for await (const row of rows) texts.push(`[${row.map(valueText).join(',')}]`)
    const members = [`"columns":${JSON.stringify(columns)}`, `"rows":[${texts.join(',')}]`]
    if (relation === undefined) this.#members.push(...members)
    else if (texts.length > 0)
      this.#relations.push(`{"relation":${JSON.stringify(relation)},${members.join(',')}}`)
    return texts.length
  }

  /** The object on one line. */
  toString(): string {
    const relations = this.#relations.length === 0 ? [] : [`"relations":[${this.#relations.join(',')}]`]
    return `{${[...this.#members, ...relations].join(',')}}`
  }
}
