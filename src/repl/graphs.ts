// Owns `.kg`: knowledge graphs. A graph is nothing but the part of shard names before the first colon: it is there
// from its first fact on.
import { isGraphName } from '../iql/name.ts'
import { statementError } from '../iql/source.ts'
import { type Call, requireAtMost, type SessionCommand, wrongWords } from './command.ts'
import { requireNow } from './facts.ts'
import { FIRST_GRAPH, nameUnknown } from './session.ts'

const listGraphs = ({ session, answer }: Call): void => {
  const { graphs, graph: current } = session
  answer.tell(
    { graphs, current },
    'Knowledge Graphs:',
    ...graphs.map(name => (name === current ? `  ${name} *` : `  ${name}`)),
  )
}

const useGraph = ({ session, source, words, answer }: Call): void => {
  const { text: name, offset } = words[1]!
  if (name !== FIRST_GRAPH && !session.graphs.includes(name))
    throw nameUnknown(source, offset, 'knowledge graph', name, session.graphs)
  session.graph = name
  answer.tell({ current: name }, `Switched to knowledge graph: ${name}`)
}

const createGraph = ({ session, source, words, answer }: Call): void => {
  const { text: name, offset } = words[1]!
  if (!isGraphName(name))
    throw statementError(source, offset, 'a graph is named by a letter or _, then letters, digits, _ or -')
  if (session.graphs.includes(name))
    throw statementError(source, offset, `there is a knowledge graph ${name}; .kg use ${name} switches to it`)
  session.graph = name
  answer.tell({ current: name }, `Knowledge graph '${name}' created.`, `Switched to knowledge graph: ${name}`)
}

/** All relations of the graph end together. The session does not stay in a graph that is gone. */
const dropGraph = async ({ session, source, words, answer }: Call): Promise<void> => {
  requireNow(session, source)
  const { text: name, offset } = words[1]!
  if (!session.graphs.includes(name))
    throw nameUnknown(source, offset, 'knowledge graph', name, session.graphs)
  const relations = session.relationsIn(name)
  // One that was created and has no relation yet is nothing but the session's name for it.
  if (relations.length > 0) await session.store.drop(relations.map(relation => `${name}:${relation}`))
  const leaves = session.graph === name && name !== FIRST_GRAPH
  if (leaves) session.graph = FIRST_GRAPH
  answer.tell(
    { dropped: name, relations, current: session.graph },
    `Knowledge graph '${name}' dropped.`,
    ...(leaves ? [`Switched to knowledge graph: ${FIRST_GRAPH}`] : []),
  )
}

export const graphCommand: SessionCommand = {
  name: 'kg',
  usage: ['.kg', '.kg list', '.kg use NAME', '.kg create NAME', '.kg drop NAME'],
  summary:
    'Says which knowledge graph is the current one, lists them all, switches to another or to a new one, or drops one with all its relations.',
  run: async call => {
    const { session, words, answer } = call
    const forms: Readonly<Record<string, readonly [number, (call: Call) => void | Promise<void>]>> = {
      list: [1, listGraphs],
      use: [2, useGraph],
      create: [2, createGraph],
      drop: [2, dropGraph],
    }
    const verb = words[0]?.text
    if (verb === undefined)
      return answer.tell({ current: session.graph }, `Current knowledge graph: ${session.graph}`)
    const form = Object.hasOwn(forms, verb) ? forms[verb] : undefined
    if (form === undefined) throw wrongWords(call, 0, graphCommand)
    const [count, run] = form
    requireAtMost(call, count, graphCommand)
    if (words.length < count) throw wrongWords(call, count, graphCommand)
    await run(call)
  },
}
