import fc from 'fast-check'
import { expect, test } from 'vitest'
import { doubledKey } from '../../src/model/json.ts'

test.each([
  ['{"a":1,"a":2}', 'a'],
  ['{"a":1,"\\u0061":2}', 'a'],
  ['{"a" :{"b":1, "b" : 2}}', 'b'],
  ['[{"a":1},{"a":1,"":0,"":0}]', ''],
  ['{"\\"":1,"x":"\\\\","\\"" :2}', '"'],
  ['{"__proto__":1,"__proto__":1}', '__proto__'],
  ['{"a":{"a":{"a":["a","a"]}},"b":"a"}', undefined],
  ['[{"a":1},{"a":1}]', undefined],
  ['"a"', undefined],
])('the doubled key of %s is %j', (text, key) => {
  expect(doubledKey(text)).toBe(key)
})

test('what JSON writes has none', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.nat(2), (json, indent) => {
      expect(doubledKey(JSON.stringify(json, null, indent))).toBeUndefined()
    }),
  )
})
