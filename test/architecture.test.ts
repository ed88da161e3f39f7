// Proves the drawing of ARCHITECTURE.md: imports point down, one folder talks to the operating system's files,
// and a library that could be replaced is imported by one file.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path/posix'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

interface SourceFile {
  /** Relative to `src/`, with `/` between names. */
  readonly path: string
  readonly text: string
}

/** From the bottom to the top. A row may import itself folder by folder and the rows before it, never its siblings. */
const LAYERS: readonly (readonly string[])[] = [
  ['errors.ts', 'turns.ts'],
  ['model'],
  ['disk', 'config', 'iql', 'text', 'parquet'],
  ['wal', 'batch', 'exchange'],
  ['shard'],
  ['compaction', 'recovery'],
  ['store'],
  ['index.ts'],
  ['repl', 'drill'],
  ['cli'],
  ['cli.ts'],
]

const FILE_SYSTEM: ReadonlySet<string> = new Set(['fs', 'fs/promises', 'node:fs', 'node:fs/promises'])

/** Libraries that one file may import, and the folder it is in. */
const OWNED_LIBRARIES: ReadonlyMap<string, string> = new Map([
  ['parquet-wasm', 'batch'],
  ['apache-arrow', 'batch'],
  ['toml', 'config'],
  ['cli-progress', 'cli'],
])

/** The folder under `src/` that a file is in, or the file itself at the root. */
const unitOf = (path: string): string => path.split('/', 1)[0]!

const layerOf = (path: string): number => LAYERS.findIndex(units => units.includes(unitOf(path)))

// Only where a line begins with one: a slash and a star within a string begin no comment.
const COMMENTS = /^\s*\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm
const IMPORTS = /(?:\bfrom|\bimport)\s*\(?\s*(['"`])([^'"`]+)\1/g

/** What a file imports or passes on, as written. */
const importsOf = (text: string): string[] =>
  Array.from(text.replace(COMMENTS, '').matchAll(IMPORTS), match => match[2]!)

/** What is wrong with importing the file or folder `target` from `path`. */
const wrongArrow = (path: string, target: string): string | undefined => {
  const from = layerOf(path)
  const to = layerOf(target)
  if (to === -1) return 'is in no layer'
  if (unitOf(path) === unitOf(target)) return undefined
  if (to > from) return 'points up'
  return to === from ? 'points sideways' : undefined
}

/** Every import that the drawing forbids, as `file: what it imports: why not`, and every file it has no place for. */
const violations = (files: readonly SourceFile[]): string[] => {
  const found: string[] = []
  const owners = new Map<string, string>()
  for (const { path, text } of files) {
    if (layerOf(path) === -1) found.push(`${path}: is in no layer`)
    for (const specifier of importsOf(text)) {
      const report = (why: string): void => {
        found.push(`${path}: ${specifier}: ${why}`)
      }
      if (specifier.startsWith('.')) {
        const why = wrongArrow(path, normalize(join(dirname(path), specifier)))
        if (why !== undefined) report(why)
      }
      if (FILE_SYSTEM.has(specifier) && unitOf(path) !== 'disk') report('only disk/ reads and writes files')
      for (const [library, folder] of OWNED_LIBRARIES) {
        if (specifier !== library && !specifier.startsWith(`${library}/`)) continue
        const owner = owners.get(library) ?? path
        owners.set(library, owner)
        if (unitOf(path) !== folder) report(`belongs to one file of ${folder}/`)
        else if (owner !== path) report(`belongs to ${owner}`)
      }
    }
  }
  return found
}

const SOURCE = fileURLToPath(new URL('../src', import.meta.url))

const sourceFiles = (): SourceFile[] =>
  readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
    .filter(path => path.endsWith('.ts'))
    .sort()
    .map(path => ({ path: path.replaceAll('\\', '/'), text: readFileSync(join(SOURCE, path), 'utf8') }))

describe('the real tree', () => {
  test('has no import that the drawing forbids', () => {
    expect(violations(sourceFiles())).toEqual([])
  })

  test('is seen: its files, and the imports of every kind in them', () => {
    const files = sourceFiles()
    expect(files.length).toBeGreaterThan(40)
    const imported = new Set(files.flatMap(({ text }) => importsOf(text)))
    for (const specifier of ['../errors.ts', '../model/columns.ts', 'node:fs/promises'])
      expect(imported).toContain(specifier)
    for (const library of OWNED_LIBRARIES.keys())
      expect(
        [...imported].some(each => each === library || each.startsWith(`${library}/`)),
        library,
      ).toBe(true)
  })

  test('imports its own files by their whole name', () => {
    const files = sourceFiles()
    const paths = new Set(files.map(({ path }) => path))
    const missing = files.flatMap(({ path, text }) =>
      importsOf(text)
        .filter(specifier => specifier.startsWith('.'))
        .map(specifier => normalize(join(dirname(path), specifier)))
        .filter(target => !paths.has(target)),
    )
    expect(missing).toEqual([])
  })
})

describe('a bad import is found', () => {
  const planted: readonly (readonly [string, string, string, string])[] = [
    [
      'up one layer',
      'model/value.ts',
      "import { Disk } from '../disk/disk.ts'",
      '../disk/disk.ts: points up',
    ],
    ['up many', 'wal/log.ts', "import { Store } from '../store/store.ts'", '../store/store.ts: points up'],
    ['from the errors', 'errors.ts', "import { x } from './model/value.ts'", './model/value.ts: points up'],
    ['to the entry', 'store/store.ts', "import { x } from '../index.ts'", '../index.ts: points up'],
    ['to the command line', 'index.ts', "import { x } from './cli/main.ts'", './cli/main.ts: points up'],
    [
      'between formats',
      'wal/log.ts',
      "import { x } from '../batch/writer.ts'",
      '../batch/writer.ts: points sideways',
    ],
    [
      'the other way',
      'batch/writer.ts',
      "import { x } from '../wal/log.ts'",
      '../wal/log.ts: points sideways',
    ],
    [
      'between engines',
      'compaction/compact.ts',
      "import { x } from '../recovery/mend.ts'",
      '../recovery/mend.ts: points sideways',
    ],
    [
      'between engines, the other way',
      'recovery/mend.ts',
      "import { x } from '../compaction/compact.ts'",
      '../compaction/compact.ts: points sideways',
    ],
    [
      'between platform folders',
      'disk/disk.ts',
      "import { x } from '../config/settings.ts'",
      '../config/settings.ts: points sideways',
    ],
    ['of a type', 'model/value.ts', "import type { D } from '../disk/disk.ts'", '../disk/disk.ts: points up'],
    ['passed on', 'model/value.ts', "export * from '../disk/disk.ts'", '../disk/disk.ts: points up'],
    [
      'over lines',
      'model/value.ts',
      "import {\n  D,\n} from '../disk/disk.ts'",
      '../disk/disk.ts: points up',
    ],
    [
      'in double quotes',
      'model/value.ts',
      'import { D } from "../disk/disk.ts"',
      '../disk/disk.ts: points up',
    ],
    ['without names', 'model/value.ts', "import '../disk/disk.ts'", '../disk/disk.ts: points up'],
    ['when it runs', 'model/value.ts', "await import('../disk/disk.ts')", '../disk/disk.ts: points up'],
    [
      'when it runs, in backticks',
      'model/value.ts',
      'import(`../disk/disk.ts`)',
      '../disk/disk.ts: points up',
    ],
    ['by a detour', 'model/value.ts', "import { D } from './../model/../disk/disk.ts'", 'points up'],
    [
      'after a comment',
      'model/value.ts',
      "/* why */ import { D } from '../disk/disk.ts'",
      '../disk/disk.ts: points up',
    ],
    [
      'of an unknown folder',
      'store/store.ts',
      "import { x } from '../utils/x.ts'",
      '../utils/x.ts: is in no layer',
    ],
    ['of an unknown file', 'store/store.ts', "import { x } from '../main.ts'", '../main.ts: is in no layer'],
    [
      'out of the tree',
      'store/store.ts',
      "import x from '../../test/x.ts'",
      '../../test/x.ts: is in no layer',
    ],
    [
      'of node:fs',
      'wal/log.ts',
      "import { open } from 'node:fs'",
      'node:fs: only disk/ reads and writes files',
    ],
    ['of fs', 'cli.ts', "import fs from 'fs'", 'fs: only disk/ reads and writes files'],
    ['of node:fs/promises', 'cli/main.ts', "import('node:fs/promises')", 'only disk/ reads and writes files'],
    [
      'of fs/promises',
      'model/heap.ts',
      "import { open } from 'fs/promises'",
      'only disk/ reads and writes files',
    ],
    [
      'of parquet-wasm elsewhere',
      'store/store.ts',
      "import { x } from 'parquet-wasm'",
      'belongs to one file of batch/',
    ],
    [
      'of Arrow elsewhere',
      'store/store.ts',
      "import { T } from 'apache-arrow'",
      'belongs to one file of batch/',
    ],
    [
      'of TOML elsewhere',
      'batch/writer.ts',
      "import { parse } from 'toml'",
      'belongs to one file of config/',
    ],
    ['of a part of it', 'cli/main.ts', "import w from 'parquet-wasm/esm'", 'belongs to one file of batch/'],
  ]
  test.each(planted)('%s', (_, path, text, why) => {
    expect(violations([{ path, text }])).toEqual([expect.stringContaining(why)])
    expect(violations([{ path, text }])[0]).toMatch(new RegExp(`^${path}: `))
  })

  test.each([...OWNED_LIBRARIES])('a second file that imports %s', (library, folder) => {
    const text = `import { x } from '${library}'`
    const first = { path: `${folder}/first.ts`, text: `${text}\nimport type { y } from '${library}/types'` }
    expect(violations([first])).toEqual([])
    expect(violations([first, { path: `${folder}/second.ts`, text }])).toEqual([
      `${folder}/second.ts: ${library}: belongs to ${folder}/first.ts`,
    ])
  })

  test('a file that is in no layer', () => {
    expect(violations([{ path: 'helpers/text.ts', text: '' }])).toEqual(['helpers/text.ts: is in no layer'])
    expect(violations([{ path: 'main.ts', text: '' }])).toEqual(['main.ts: is in no layer'])
  })

  test('two in one file', () => {
    const text = "import { a } from '../store/store.ts'\nexport { b } from 'node:fs'"
    expect(violations([{ path: 'model/value.ts', text }])).toHaveLength(2)
  })
})

test.each([
  ['down', 'store/store.ts', "import { x } from '../model/value.ts'"],
  ['within a folder', 'wal/log.ts', "import { x } from './record.ts'\nimport { y } from '../wal/reader.ts'"],
  ['to the errors', 'model/value.ts', "import { x } from '../errors.ts'"],
  ['from the top', 'cli.ts', "import { x } from './cli/main.ts'\nimport { y } from './index.ts'"],
  ['of the file system in disk/', 'disk/node-disk.ts', "import { open } from 'node:fs/promises'"],
  ['of other modules', 'model/checksum.ts', "import { crc32 } from 'node:zlib'"],
  ['of a library with such a name', 'store/store.ts', "import { x } from 'parquet-wasm-writer'"],
  ['in a comment', 'model/value.ts', "// from '../store/store.ts'\n/**\n * import('node:fs')\n */"],
])('a good import is left alone: %s', (_, path, text) => {
  expect(violations([{ path, text }])).toEqual([])
})
