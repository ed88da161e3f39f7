// Owns what a thread that makes batches and whoever gives it work say to each other. Plain data: what has a class is
// told in the form that documents have it in.
import type { DiskLocation } from '../disk/location.ts'
import type { JsonObject } from '../model/json.ts'
import { type BatchDescription, descriptionFields, descriptionFromJson } from './description.ts'
import type { Failure } from './failure.ts'
import type { BatchTask, BufferedUpdates, MadeBatch, MergeInput, MergeSource } from './make.ts'
import type { Piece } from './parcel.ts'

/** An input without what has a class. */
type InputText = Omit<MergeInput, 'description'> & { readonly description: JsonObject }

/** A task without what was sent before it or has a class. */
interface TaskText extends Omit<BatchTask, 'source'> {
  readonly source:
    | { readonly kind: 'buffer' }
    | (Omit<MergeSource, 'inputs'> & { readonly inputs: readonly InputText[] })
}

/** To the thread. */
export type Order =
  /** A part of the buffer of the task that follows. */
  | { readonly kind: 'piece'; readonly piece: Piece }
  | { readonly kind: 'make'; readonly location: DiskLocation; readonly task: TaskText }
  /** Nobody wants the batch any more. */
  | { readonly kind: 'stop' }

/** From the thread. */
export type Answer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'read'; readonly rows: number }
  | { readonly kind: 'made'; readonly inputs: number; readonly description: JsonObject | undefined }
  | { readonly kind: 'failed'; readonly failure: Failure }

const description = (json: JsonObject): BatchDescription => descriptionFromJson(json, 'description')

export const taskText = ({ source, ...task }: BatchTask): TaskText => {
  if (source.kind === 'buffer') return { ...task, source: { kind: 'buffer' } }
  const inputs = source.inputs.map(input => ({ ...input, description: descriptionFields(input.description) }))
  return { ...task, source: { ...source, inputs } }
}

/** @param updates of its buffer, if it has one */
export const taskOf = ({ source, ...task }: TaskText, updates: BufferedUpdates | undefined): BatchTask => {
  if (source.kind === 'buffer') return { ...task, source: { kind: 'buffer', updates: updates! } }
  const inputs = source.inputs.map(input => ({ ...input, description: description(input.description) }))
  return { ...task, source: { ...source, inputs } }
}

export const madeAnswer = (made: MadeBatch): Answer => ({
  kind: 'made',
  inputs: made.inputs,
  description: made.description && descriptionFields(made.description),
})

export const madeOf = (answer: Extract<Answer, { kind: 'made' }>): MadeBatch => ({
  inputs: answer.inputs,
  description: answer.description && description(answer.description),
})
