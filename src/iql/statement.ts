// Owns what a statement can be: the shapes that the parser makes and the session carries out.
import type { ColumnType } from '../model/schema.ts'
import type { Value } from '../model/value.ts'
import type { Atom } from './term.ts'

/** A word behind a command's name. */
export interface Word {
  readonly text: string
  readonly offset: number
}

/** Whether tuples were written one in parentheses, `r(…)`, or as a list, `r[(…), …]`. */
type TupleForm = 'one' | 'list'

/** Offsets count the characters of the statement's text. */
export type Statement =
  | {
      readonly kind: 'command'
      /** Without the dot. */
      readonly name: string
      readonly words: readonly Word[]
    }
  | {
      readonly kind: 'schema'
      readonly relation: string
      readonly columns: readonly { readonly name: string; readonly type: Exclude<ColumnType, 'null'> }[]
    }
  | {
      readonly kind: 'insert' | 'delete'
      readonly relation: string
      /** Of one arity. */
      readonly tuples: readonly (readonly Value[])[]
      readonly form: TupleForm
      /** Where the relation's name begins. */
      readonly offset: number
    }
  | {
      readonly kind: 'query'
      readonly goal: Atom
      /** What follows `@`. */
      readonly asOf: number | undefined
    }
