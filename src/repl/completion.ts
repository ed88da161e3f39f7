// Owns what the Tab key offers: commands, relations, knowledge graphs.
import { COMMANDS } from './commands.ts'
import type { Session } from './session.ts'

/** What may follow the words before the last one. */
const candidatesFor = (session: Session, before: string): readonly string[] => {
  const words = before.trim().split(/\s+/)
  switch (words.join(' ')) {
    case '':
      return [
        ...COMMANDS.map(({ name }) => `.${name}`),
        ...session.relationsIn(session.graph).flatMap(name => [`?${name}(`, `+${name}(`, `-${name}(`]),
      ]
    case '.rel':
      return [...session.relationsIn(session.graph), 'drop ']
    case '.rel drop':
      return session.relationsIn(session.graph)
    case '.kg':
      return ['list', 'use ', 'create ', 'drop ']
    case '.kg use':
    case '.kg drop':
      return session.graphs
    case '.help':
      return COMMANDS.map(({ name }) => name)
    case '.compact':
      return ['since ']
    case '.as-of':
      return ['now']
    default:
      return words[0] === '.diff' && words.length === 3 ? session.relationsIn(session.graph) : []
  }
}

/** What a line that is being typed can go on with, and the part of it that this takes the place of. */
export const complete = (session: Session, line: string): [string[], string] => {
  const word = /\S*$/.exec(line)![0]
  const candidates = candidatesFor(session, line.slice(0, line.length - word.length))
  return [candidates.filter(candidate => candidate.startsWith(word)), word]
}
