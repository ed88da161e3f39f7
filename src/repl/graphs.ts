// Owns `.kg`: knowledge graphs. A graph is nothing but the part of shard names before the first colon: it is there
// from its first fact on.
import { isGraphName } from '../iql/name.ts'
import { statementError } from '../iql/source.ts'
import { type Call, laterWords, requireAtMost, type SessionCommand, wrongWords } from './command.ts'
import { nameUnknown } from './session.ts'

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
  if (name !== 'default' && !session.graphs.includes(name))
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

export const graphCommand: SessionCommand = {
  name: 'kg',
  usage: ['.kg', '.kg list', '.kg use NAME', '.kg create NAME'],
  summary:
    'Says which knowledge graph is the current one, lists them all, switches to another or to a new one.',
  run: async call => {
    const { session, words, answer } = call
    const forms: Readonly<Record<string, readonly [number, (call: Call) => void]>> = {
      list: [1, listGraphs],
      use: [2, useGraph],
      create: [2, createGraph],
    }
    const verb = words[0]?.text
    if (verb === undefined)
      return answer.tell({ current: session.graph }, `Current knowledge graph: ${session.graph}`)
    if (verb === 'drop') throw laterWords(call, 'dropping knowledge graphs')
    const form = Object.hasOwn(forms, verb) ? forms[verb] : undefined
    if (form === undefined) throw wrongWords(call, 0, graphCommand)
    const [count, run] = form
    requireAtMost(call, count, graphCommand)
    if (words.length < count) throw wrongWords(call, count, graphCommand)
    run(call)
  },
}
