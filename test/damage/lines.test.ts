// Hostile lines of a log, with a checksum that holds: typed errors with file, offset and LSN, never a crash, a hang or
// a key taken for what it is not (rules 5, GB-25, GB-27).
import { describe, expect, test } from 'vitest'
import { MemoryDisk } from '../../src/disk/memory-disk.ts'
import { checksum } from '../../src/model/checksum.ts'
import { encodeLine } from '../../src/wal/record.ts'
import { everything, put } from '../support/bytes.ts'
import { openOn, read } from '../support/stores.ts'

const line = (json: string): string => Buffer.from(encodeLine(json)).toString('latin1')

const update = (data: string, more = ''): string =>
  `{"shard":"a:b","update":{"data":${data},"time":1,"diff":1}${more}}`

/** A log that somebody wrote. */
const logOf = async (...lines: readonly string[]): Promise<MemoryDisk> => {
  const disk = new MemoryDisk()
  await disk.makeDirectory('wal')
  await put(disk, 'wal/current.wal', Buffer.from(lines.map(line).join(''), 'latin1'))
  return disk
}

const deep = (open: string, close: string, depth: number): string => open.repeat(depth) + close.repeat(depth)

describe('refused with file, offset and LSN, and not a byte changes', () => {
  test.each<[string, string]>([
    ['a tuple of nested lists, 10,000 deep', update(deep('[', ']', 10_000))],
    ['a value of nested objects, 10,000 deep', update(`[${'{"v":'.repeat(10_000)}1${'}'.repeat(10_000)}]`)],
    ['an unknown key, 10,000 deep', `{"x":${deep('[', ']', 10_000)}}`],
    ['a tuple of 1,001 values', `{"updates":{"c:d":[[[${'0,'.repeat(1000)}0],1,1]]}}`],
    [
      'a declaration of 1,001 columns',
      `{"declare":{"c:d":[${Array.from({ length: 1001 }, (_, n) => `{"name":"x${n}","type":"any"}`)}]}}`,
    ],
    ['a vector in a vector', update('[{"v":[[1]]}]')],
    ['__proto__ beside the update', '{"__proto__":{"shard":"a:b"},"update":{"data":[1],"time":1,"diff":1}}'],
    ['__proto__ for the update', '{"shard":"a:b","__proto__":{"update":{"data":[1],"time":1,"diff":1}}}'],
    ['__proto__ in the update', '{"shard":"a:b","update":{"__proto__":{"data":[1]},"time":1,"diff":1}}'],
    ['constructor as a key', update('[1]', ',"constructor":1')],
    ['toString as a kind', '{"toString":1}'],
    ['__proto__ as a tagged value', update('[{"__proto__":{"i":"5"}}]')],
    ['constructor as a tag', update('[{"constructor":1}]')],
    ['two tags', update('[{"i":"5","f":5}]')],
    ['an integer that JSON rounds', update('[9007199254740993]')],
    ['an integer beyond int64', update('[{"i":"9223372036854775808"}]')],
    ['an integer of a million digits', update(`[{"i":"${'9'.repeat(1_000_000)}"}]`)],
    ['a number beyond floats', update('[1e999]')],
    ['a time that JSON rounds', '{"shard":"a:b","update":{"data":[1],"time":9007199254740993,"diff":1}}'],
    ['a negative time', '{"shard":"a:b","update":{"data":[1],"time":-1,"diff":1}}'],
    ['a time with a fraction', '{"shard":"a:b","update":{"data":[1],"time":1.5,"diff":1}}'],
    ['a time as a string', '{"shard":"a:b","update":{"data":[1],"time":"0","diff":1}}'],
    ['no diff', '{"shard":"a:b","update":{"data":[1],"time":1}}'],
    ['a diff of 0', '{"shard":"a:b","update":{"data":[1],"time":1,"diff":0}}'],
    ['a diff that JSON rounds', '{"shard":"a:b","update":{"data":[1],"time":1,"diff":9007199254740993}}'],
    ['no data', '{"shard":"a:b","update":{"time":1,"diff":1}}'],
    ['data that is an object', update('{"length":1,"0":1}')],
    ['an empty shard name', '{"shard":"","update":{"data":[1],"time":1,"diff":1}}'],
    ['half a character in a shard name', '{"shard":"\\ud800","update":{"data":[1],"time":1,"diff":1}}'],
    ['half a character in a value', update('["\\udc00"]')],
    ['a shard name of a megabyte', `{"shard":"${'a'.repeat(1e6)}","update":{"data":[1],"time":1,"diff":1}}`],
    ['a number for a shard', '{"shard":7,"update":{"data":[1],"time":1,"diff":1}}'],
    ['a list of updates', '{"updates":[["a:b",[[[1],1,1]]]]}'],
    ['updates that are null', '{"updates":null}'],
    ['triples of four', '{"updates":{"a:b":[[[1],1,1,2]]}}'],
    ['triples with holes', '{"updates":{"a:b":[[[1],1]]}}'],
    ['no updates of a shard', '{"updates":{}}'],
    ['nothing', '{}'],
    ['an LSN of 0', update('[1]', ',"lsn":0')],
    ['an LSN that does not follow', update('[1]', ',"lsn":3')],
    ['an LSN as a string', update('[1]', ',"lsn":"2"')],
    ['a durable LSN that is its own', update('[1]', ',"durable":2')],
    ['a durable LSN of 2^53', update('[1]', ',"durable":9007199254740992')],
    ['a wall clock with a fraction', update('[1]', ',"at":1.5')],
    ['a wall clock that JSON rounds', update('[1]', ',"at":9007199254740993')],
    ['an import of half a row', update('[1]', ',"import":{"id":"x","rows":0.5,"complete":true}')],
    ['an id of 257 characters', update('[1]', `,"id":"${'i'.repeat(257)}"`)],
    ['an import that is no object', update('[1]', ',"import":[]')],
    ['an import with a key more', update('[1]', ',"import":{"id":"x","rows":1,"complete":true,"x":1}')],
    ['a declaration of no list', '{"declare":{"c:d":{"name":"x","type":"string"}}}'],
    ['a declaration of an unknown type', '{"declare":{"c:d":[{"name":"x","type":"toString"}]}}'],
    [
      'a column called __proto__ twice',
      '{"declare":{"c:d":[{"name":"__proto__","type":"any"},{"name":"__PROTO__","type":"any"}]}}',
    ],
    ['a column called time', '{"declare":{"c:d":[{"name":"time","type":"any"}]}}'],
    ['a header in the middle', '{"varve":1,"store":"x","epoch":0,"generation":1,"firstLsn":1,"upper":0}'],
    ['a header of a later format', '{"varve":2}'],
    ['a shard twice', '{"updates":{"a:b":[[[1],1,1]],"a:b":[[[2],1,1]]}}'],
    ['a shard twice, once with an escape', '{"updates":{"a:b":[[[1],1,1]], "\\u0061:b" :[[[2],1,1]]}}'],
    [
      'an update twice',
      '{"shard":"a:b","update":{"data":[1],"time":1,"diff":1},"update":{"data":[2],"time":1,"diff":1}}',
    ],
    ['data twice', '{"shard":"a:b","update":{"data":[1],"data":[2],"time":1,"diff":1}}'],
    ['a tag twice', update('[{"f":1,"f":2}]')],
    ['a list', '[]'],
    ['null', 'null'],
    ['a string', '"x"'],
  ])('%s', async (_, json) => {
    const good = update('[0]').replace('"time":1', '"time":0')
    const disk = await logOf(good, json)
    const before = await everything(disk)
    await expect(openOn(disk)).rejects.toMatchObject({
      name: 'CorruptionError',
      code: 'WAL_INVALID',
      details: { file: 'wal/current.wal', offset: line(good).length, lsn: 2 },
    })
    expect(await everything(disk)).toEqual(before)
  })

  test('text that is no UTF-8', async () => {
    const disk = new MemoryDisk()
    await disk.makeDirectory('wal')
    const json = Buffer.from(update('["\xff"]'), 'latin1')
    await put(
      disk,
      'wal/current.wal',
      Buffer.concat([Buffer.from(`${checksum(json)}:`), json, Buffer.from('\n')]),
    )
    await expect(openOn(disk)).rejects.toMatchObject({ code: 'WAL_INVALID', details: { offset: 0, lsn: 1 } })
  })
})

describe('taken for what it is', () => {
  test('shards and columns named after what every object has', async () => {
    const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'length', '0']
    const updates = names.map((name, index) => `${JSON.stringify(name)}:[[[${index}],0,1]]`)
    const declare = names.map(name => `${JSON.stringify(name)}:[{"name":"__proto__","type":"int64"}]`)
    const disk = await logOf(`{"declare":{${declare.join(',')}},"updates":{${updates.join(',')}}}`)
    for (let round = 0; round < 3; round++) {
      const store = await openOn(disk)
      for (const [index, name] of names.entries())
        expect(await read(store, name)).toEqual({ [`[${index}]`]: 1 })
      expect(
        store
          .status()
          .shards.map(({ name }) => name)
          .sort(),
      ).toEqual([...names].sort())
      await store.close()
    }
    expect(Object.hasOwn(Object.prototype, 'name')).toBe(false)
  })

  test('a tuple of 500 columns, a value of 4 MiB, a line of 20,000 updates', async () => {
    const wide = `[${Array.from({ length: 500 }, (_, index) => index).join(',')}]`
    const long = 'x'.repeat(4 * 1024 * 1024)
    const many = Array.from({ length: 20_000 }, (_, index) => `[[${index}],0,1]`)
    const disk = await logOf(
      `{"updates":{"a:wide":[[${wide},0,1]],"a:long":[[["${long}"],0,1]],"a:many":[${many}]}}`,
    )
    const store = await openOn(disk)
    expect(await read(store, 'a:wide')).toEqual({ [wide]: 1 })
    expect(await read(store, 'a:long')).toEqual({ [`["${long}"]`]: 1 })
    expect(Object.keys(await read(store, 'a:many')).length).toBe(20_000)
    await store.close()
  })
})
