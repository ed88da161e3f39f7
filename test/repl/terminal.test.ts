// The session on a terminal: keys in, text out.
import { PassThrough } from 'node:stream'
import { expect, onTestFinished, test } from 'vitest'
import { complete } from '../../src/repl/completion.ts'
import { runTerminal } from '../../src/repl/terminal.ts'
import { bench } from './harness.ts'

/** A terminal with somebody at it, who waits for what is printed. */
const terminal = async () => {
  const input = new PassThrough()
  const output = new PassThrough()
  let text = ''
  const { console, store, session } = await bench({
    print: line => output.write(`${line}\n`),
    note: line => output.write(`${line}\n`),
  })
  output.on('data', chunk => {
    text += chunk
    waiting?.()
  })
  let waiting: (() => void) | undefined
  const done = runTerminal(console, { input, output })
  onTestFinished(() => {
    input.end()
  })
  return {
    store,
    session,
    done,
    type: (keys: string) => input.write(keys),
    /** Resolves with all that was printed up to and including `end`, and forgets it. */
    until: async (end: string): Promise<string> => {
      while (!text.includes(end))
        await new Promise<void>(resolve => {
          waiting = resolve
        })
      const [seen] = text.split(end) as [string]
      text = text.slice(seen.length + end.length)
      return seen + end
    },
    /** What was printed since. */
    rest: () => text,
  }
}

test('prompts, carries out, goes on over lines until brackets balance', async () => {
  const { type, until, store, done } = await terminal()
  await until('default> ')
  type('+edge[(1, 2),\r')
  await until('... ')
  type('(2, 3)]\r')
  expect(await until("Inserted 2 fact(s) into 'edge'.")).toContain('(2, 3)]')
  await until('default> ')
  type('.as-of 0\r')
  await until('default @ 0> ')
  type('?edge(3\r')
  await until('... ')
  type('X)\r')
  expect(await until('^\n')).toMatch(/line=2, column=1\n {2}X\)\n {2}\^\n$/)
  await until('default @ 0> ')
  type('.quit\r')
  await done
  expect(store.status()).toMatchObject({ lsn: 1, state: 'serving' })
})

test('Ctrl-C drops what is typed in, of all its lines; Ctrl-D leaves', async () => {
  const { type, until, done, store } = await terminal()
  await until('default> ')
  type('+edge[(1, 2),\r')
  await until('... ')
  type('(2, 3)')
  type('\x03')
  await until('^C\n')
  await until('default> ')
  type('+edge(5, 6)\r')
  await until('Inserted 1 fact')
  await until('default> ')
  type('\x04')
  await done
  expect(store.status().lsn).toBe(1)
})

test('several lines at once are carried out in order, also if the input ends behind them', async () => {
  const { type, until, rest, done } = await terminal()
  await until('default> ')
  type('+a(1)\r-a(1)\r+a(1)\r?a(X)\r\x04')
  const text = await until('1 rows')
  expect(text).not.toContain('default> ')
  expect(text.match(/Inserted 1|Deleted 1/g)).toEqual(['Inserted 1', 'Deleted 1', 'Inserted 1'])
  await done
  expect(rest()).toBe('\n\n')
})

test('Ctrl-C ends the answer that is on its way, and drops the lines behind it', async () => {
  const { type, until, done, store } = await terminal()
  await until('default> ')
  type(`+n[${Array.from({ length: 3000 }, (_, n) => n).join(', ')}]\r`)
  await until('Inserted 3000')
  await until('default> ')
  type('?n(X)\r+late(1)\r\x03')
  await until('INTERRUPTED: the statement was interrupted\n')
  await until('default> ')
  type('?n(7)\r')
  await until('1 rows')
  type('\x04')
  await done
  expect(store.status().lsn).toBe(1)
})

test('Tab completes a relation', async () => {
  const { type, until, done } = await terminal()
  type('+support(1)\r')
  await until('Inserted')
  await until('default> ')
  type('?su\t')
  await until('?support(')
  type('X)\r')
  await until('1 rows')
  type('\x04')
  await done
})

test.each([
  ['.c', ['.compact']],
  ['.kg u', ['use ']],
  ['.kg use ', ['default', 'other']],
  ['.kg d', ['drop ']],
  ['.kg drop o', ['other']],
  ['.rel ', ['edge', 'node', 'drop ']],
  ['.rel drop e', ['edge']],
  ['.rel ed', ['edge']],
  ['?e', ['?edge(']],
  ['-', ['-edge(', '-node(']],
  ['.help st', ['status']],
  ['.diff 1 2 n', ['node']],
  ['.diff 1 ', []],
  ['+edge(', ['+edge(']],
  ['+edge(1, ', []],
])('%s goes on with %j', async (line, wanted) => {
  const { run, session } = await bench()
  await run('+edge(1)\n+node(1)\n.kg create other\n+far(1)\n.kg use default')
  expect(complete(session, line)[0]).toEqual(wanted)
})
