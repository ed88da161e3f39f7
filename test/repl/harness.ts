// Runs scripts in a session of a store in memory, without a process.
import { onTestFinished } from 'vitest'
import { Console, type ConsoleOptions } from '../../src/repl/console.ts'
import { Session } from '../../src/repl/session.ts'
import { openStore } from '../../src/store/open.ts'
import type { Store } from '../../src/store/store.ts'

export interface Bench {
  readonly store: Store
  readonly session: Session
  readonly console: Console
  /** Scripts that `.load` finds, by path. */
  readonly files: Map<string, string>
  /** Runs statements without echo; returns what they print. */
  run(script: string): Promise<string[]>
  /** As `run`, and returns what was noted: errors. */
  errors(script: string): Promise<string[]>
}

/** A session, for the length of one test. */
export const bench = async (options: Partial<ConsoleOptions> = {}): Promise<Bench> => {
  const store = await openStore()
  onTestFinished(() => store.close())
  const session = new Session(store)
  const files = new Map<string, string>()
  let printed: string[] = []
  let noted: string[] = []
  const console = new Console(session, {
    print: line => printed.push(line),
    note: line => noted.push(line),
    open: async function* (path) {
      yield* files.get(path)!.split('\n')
    },
    format: 'text',
    onError: 'continue',
    ...options,
  })
  const both = async (script: string): Promise<[string[], string[]]> => {
    printed = []
    noted = []
    await console.runScript(script.split('\n'), { echo: false })
    return [printed, noted]
  }
  return {
    store,
    session,
    console,
    files,
    run: async script => {
      const [lines, errors] = await both(script)
      if (errors.length > 0) throw new Error(errors.join('\n'))
      return lines
    },
    errors: async script => (await both(script))[1],
  }
}
