// The document of the language says what the registry of commands says.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { parseStatement } from '../../src/iql/parse.ts'
import { COMMANDS } from '../../src/repl/commands.ts'

const document = readFileSync(fileURLToPath(new URL('../../docs/language.md', import.meta.url)), 'utf8')

test('docs/language.md lists every command with its forms', () => {
  const section = document.split('\n## Commands\n')[1]!.split('\n## ')[0]!
  const rows = section.split('\n').filter(line => line.startsWith('| `.'))
  const wanted = COMMANDS.map(
    ({ usage, summary }) => `| ${usage.map(form => `\`${form}\``).join(', ')} | ${summary} |`,
  )
  expect(rows).toEqual(wanted)
})

test('every form is a command by its name', () => {
  for (const { name, usage } of COMMANDS)
    for (const form of usage)
      expect(parseStatement({ text: form, line: 1 })).toMatchObject({ kind: 'command', name })
})

test('the names are distinct', () => {
  expect(new Set(COMMANDS.map(({ name }) => name)).size).toBe(COMMANDS.length)
})
