import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkShardName, shardStem } from '../../src/disk/shard-file.ts'
import { DEVICES, nastyNames, randomNames } from '../support/names.ts'

const SAFE = /^[a-z0-9_%~-]+$/

const expectDistinct = (names: readonly string[]): void => {
  const met = new Map<string, string>()
  for (const name of names) {
    const stem = shardStem(name)
    expect(stem, JSON.stringify(name)).toMatch(SAFE)
    expect(stem.length, JSON.stringify(name)).toBeLessThanOrEqual(120)
    // A disk that ignores case takes both for one.
    expect(stem.toLowerCase(), JSON.stringify(name)).toBe(stem)
    expect(DEVICES, JSON.stringify(name)).not.toContain(stem)
    expect(met.get(stem) ?? name, `the stem ${stem}`).toBe(name)
    met.set(stem, name)
  }
}

describe('shardStem', () => {
  test.each([
    ['default:edge', 'default_edge'],
    ['a_b:c', 'a%5fb_c'],
    ['a:b_c', 'a_b%5fc'],
    ['Edge', '%45dge'],
    ['con', '%63on'],
    ['é', '%c3%a9'],
    ['CON', '%43%4f%4e'],
    ['com0', 'com0'],
    ['..', '%2e%2e'],
    ['é', '%c3%a9'],
    ['a'.repeat(120), 'a'.repeat(120)],
    // printf 'a%.0s' {1..121} | sha256sum
    ['a'.repeat(121), `${'a'.repeat(55)}~e9615320128cc7a3d6078e9af05603188e5ccbf0d07d8b735d3df5e8e0c1281f`],
  ])('%j is %j', (name, stem) => {
    expect(shardStem(name)).toBe(stem)
  })

  test('400 nasty names never meet (IL-42)', () => {
    const names = nastyNames()
    expect(names.length).toBeGreaterThanOrEqual(400)
    expectDistinct(names)
  })

  test('5,000 random names never meet (IL-42)', () => {
    expectDistinct(randomNames(5000))
  })

  test('two names that differ in one place never meet', () => {
    const letter = fc.constantFrom('a', 'b', 'A', '_', ':', '%', '~', '-', ' ', 'é')
    const prefix = fc.string({ unit: letter, maxLength: 130 })
    fc.assert(
      fc.property(prefix, letter, letter, prefix, (before, a, b, after) => {
        const same = shardStem(before + a + after) === shardStem(before + b + after)
        expect(same).toBe(a === b)
      }),
      { numRuns: 1000, seed: 42 },
    )
  })
})

describe('checkShardName', () => {
  test.each(['a', 'default:edge', '..', '\0', 'é'.repeat(512), '__proto__'])('takes %j', name => {
    expect(checkShardName(name, 'here')).toBe(name)
  })

  test.each<[unknown, string]>([
    ['', 'an empty one'],
    ['\ud800', 'a lone surrogate'],
    ['a\udc00b', 'a lone surrogate inside'],
    ['a'.repeat(1025), 'more than 1024 bytes'],
    ['é'.repeat(513), 'more than 1024 bytes in fewer letters'],
    [7, 'a number'],
    [undefined, 'nothing'],
    [new String('a'), 'an object'],
  ])('refuses %j: %s', name => {
    expect(() => checkShardName(name, 'updates[3].shard')).toThrowError(
      expect.objectContaining({ code: 'SHARD_NAME_INVALID', details: { place: 'updates[3].shard' } }),
    )
  })
})
