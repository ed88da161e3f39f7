// What the documents show is what happens.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { BARRIERS } from '../src/disk/barrier.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

const SCRATCH = fileURLToPath(new URL('./.documents', import.meta.url))
afterAll(() => rmSync(SCRATCH, { recursive: true, force: true }))

test("README's example prints what its comments say", async () => {
  const [, code] = /```ts\n([\s\S]*?)```/.exec(read('README.md'))!
  const expected = [...code!.matchAll(/^\/\/ (.*)$/gm)].map(match => match[1]!)
  expect(expected).toEqual(['[ 1, 2 ]', '[ 1, 2 ] -1'])
  mkdirSync(SCRATCH, { recursive: true })
  const file = join(SCRATCH, 'readme.ts')
  const dataDir = JSON.stringify(join(SCRATCH, 'data'))
  writeFileSync(file, code!.replace("'varve'", "'../../src/index.ts'").replace("'./data'", dataDir))
  const printed: string[] = []
  const log = vi.spyOn(console, 'log').mockImplementation((...parts: unknown[]) => {
    printed.push(parts.map(part => (Array.isArray(part) ? `[ ${part.join(', ')} ]` : String(part))).join(' '))
  })
  try {
    await import(/* @vite-ignore */ file)
  } finally {
    log.mockRestore()
  }
  expect(printed).toEqual(expected)
})

const documents = [
  ...readdirSync(ROOT).filter(name => name.endsWith('.md')),
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.md'))
    .map(name => `docs/${name}`),
]

/** The anchor of a heading: as written behind it in braces, or as its words make it. */
const anchors = (text: string): string[] =>
  [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => {
    const given = /\{#([^}]+)\}/.exec(heading!)
    return (
      given?.[1] ??
      heading!
        .toLowerCase()
        .replace(/[^\w\- ]/g, '')
        .replaceAll(' ', '-')
    )
  })

describe.each(documents)('%s', path => {
  test('links to files and headings that are there', () => {
    const links = [...read(path).matchAll(/\]\(([^)]+)\)/g)].map(match => match[1]!)
    for (const link of links.filter(each => !/^[a-z]+:/.test(each))) {
      const [file, anchor] = link.split('#') as [string, string?]
      const target = file === '' ? path : join(dirname(path), file)
      expect(existsSync(join(ROOT, target)), `${path} -> ${link}`).toBe(true)
      if (anchor !== undefined) expect(anchors(read(target)), `${path} -> ${link}`).toContain(anchor)
    }
  })

  test('names files of the source and the tests that are there', () => {
    const names = [...read(path).matchAll(/`((?:src|test|scripts|fixtures|bench)\/[\w./-]+)`/g)].map(
      match => match[1]!,
    )
    for (const name of names) expect(existsSync(join(ROOT, name)), `${path} names ${name}`).toBe(true)
  })
})

test('ARCHITECTURE.md names modules that are there', () => {
  const names = [
    ...read('ARCHITECTURE.md').matchAll(
      /`((?:model|disk|config|wal|batch|exchange|shard|compaction|recovery|store|iql|text|repl|cli)\/[\w-]+)`/g,
    ),
  ]
  expect(names.length).toBeGreaterThan(30)
  for (const [, name] of names) expect(existsSync(join(ROOT, 'src', `${name}.ts`)), name).toBe(true)
})

test('docs/durability.md says of each barrier what the code says', () => {
  const rows = [...read('docs/durability.md').matchAll(/^\| (B\d+) \| (.*) \|$/gm)]
  expect(Object.fromEntries(rows.map(([, barrier, what]) => [barrier, what]))).toEqual(BARRIERS)
})
