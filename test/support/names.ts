// Names of shards that have met, or might, in one file of somebody's disk.
import fc from 'fast-check'
import { shardStem } from '../../src/disk/shard-file.ts'

/** What Windows opens a device under. */
export const DEVICES: readonly string[] = [
  'con',
  'prn',
  'aux',
  'nul',
  ...Array.from({ length: 9 }, (_, n) => [`com${n + 1}`, `lpt${n + 1}`]).flat(),
]

/** Names that have met on somebody's disk: case, separators, devices, encodings, lengths, look-alikes. */
export const nastyNames = (): string[] => {
  const names = [
    'a_b:c',
    'a:b_c',
    'a:b:c',
    'a_b_c',
    'Edge',
    'edge',
    'EDGE',
    'default:edge',
    'default_edge',
    'CON',
    '..',
    '.',
    '/',
  ]
  names.push(
    '../x',
    '..\\x',
    '/etc/passwd',
    'C:\\x',
    'a/b',
    'a//b',
    'a\\b',
    '~',
    '~a',
    '%',
    '%63on',
    '%5f',
    '%5F',
    '_',
    '__',
    ':',
  )
  names.push(
    '::',
    '-',
    '--',
    ' ',
    ' a',
    'a ',
    'a.',
    'a..',
    '.a',
    'a.json',
    'a.tmp',
    'LOCK',
    '\0',
    '\n',
    '\t',
    '\r\n',
    '\x7f',
    "'",
    '"',
  )
  names.push(
    '*',
    '?',
    '<',
    '>',
    '|',
    '$HOME',
    '`id`',
    '$(id)',
    '__proto__',
    'constructor',
    'toString',
    'persist',
    'metadata',
    'wal',
  )
  // Composed and decomposed, full width, dotless, ligature, Kelvin, zero width, right to left, astral.
  names.push(
    'é',
    'è',
    'É',
    '日本',
    '語',
    'e\u0301',
    'ａ',
    'ı',
    'İ',
    'ﬁ',
    '\u212a',
    'k',
    'a\u200bb',
    '\u202ea',
    '\ufeff',
    '\ufffd',
    '😀',
    '😁',
    '𝒶',
    'ß',
    'ẞ',
    'ss',
  )
  for (const device of DEVICES)
    names.push(
      device,
      device.toUpperCase(),
      `${device}.json`,
      `${device}:`,
      `${device}:x`,
      `:${device}`,
      `${device}0`,
      `%${device}`,
    )
  for (const length of [54, 55, 56, 118, 119, 120, 121, 200, 300, 1024])
    names.push(
      'a'.repeat(length),
      'A'.repeat(length),
      `${'a'.repeat(length - 1)}b`,
      `b${'a'.repeat(length - 1)}`,
      '_'.repeat(length),
    )
  for (let code = 0x21; code < 0x7f; code++) names.push(`kg:${String.fromCharCode(code)}`)
  // A name that reads like the file name of another.
  names.push(...names.map(shardStem))
  return [...new Set(names)]
}

/** Random names, always the same ones: half of them of letters that file names are made of. */
export const randomNames = (count: number): string[] => {
  const near = fc.string({
    unit: fc.constantFrom('a', 'A', '_', ':', '%', '~', '5', 'f', '.', 'é'),
    minLength: 1,
    maxLength: 140,
  })
  const any = fc.string({ unit: 'binary', minLength: 1, maxLength: 80 })
  const names = fc.sample(
    fc.oneof(near, any).filter(name => name.isWellFormed()),
    { numRuns: count, seed: 42 },
  )
  return [...new Set(names)]
}
