// Statements and what they print, in a store in memory.
import { describe, expect, test } from 'vitest'
import { parseStatement } from '../../src/iql/parse.ts'
import { float, timestamp } from '../../src/model/value.ts'
import { bench } from './harness.ts'

describe('facts', () => {
  test('are inserted once, and deleted once', async () => {
    const { run, store } = await bench()
    expect(await run('+edge[(2, 3), (1, 2), (1, 2)]')).toEqual(["Inserted 2 fact(s) into 'edge'."])
    expect(await run('+edge(1, 2)')).toEqual(["Inserted 0 fact(s) into 'edge'."])
    expect(store.status()).toMatchObject({ lsn: 1 })
    expect(await run('-edge(1, 2)')).toEqual(["Deleted 1 facts from 'edge'."])
    expect(await run('-edge[(1, 2), (2, 3)]')).toEqual(["Deleted 1 fact(s) from 'edge'."])
    expect(await run('-nothing(1)')).toEqual(["Deleted 0 facts from 'nothing'."])
    expect(await run('.rel')).toEqual([
      'Relations:',
      '  edge (arity: 2, columns: [col0: any, col1: any], tuples: 0)',
    ])
  })

  test('of every kind come back as they were typed in', async () => {
    const { run, store } = await bench()
    await run('+v[(1, null), (2, true), (3, 1), (4, 1.0), (5, 9223372036854775807), (6, "é\\n")]')
    await run('+v[(7, timestamp("2026-01-31T12:00:00Z")), (8, bytes("00ff")), (9, [1, -0.5])]')
    const snapshot = await store.snapshot()
    const values = []
    for await (const { data } of snapshot.rows('default:v')) values.push(data[1])
    await snapshot.close()
    expect(values).toEqual([
      null,
      true,
      1,
      float(1),
      2n ** 63n - 1n,
      'é\n',
      timestamp(Date.UTC(2026, 0, 31, 12)),
      Uint8Array.of(0, 255),
      Float32Array.of(1, -0.5),
    ])
  })

  test('of another arity are refused, and nothing of the list is inserted', async () => {
    const { run, errors } = await bench()
    await run('+edge(1, 2)')
    expect((await errors('+edge[(1, 2, 3)]'))[0]).toMatch(
      /^ARITY_MISMATCH: edge has 2 columns, not 3\. line=1, column=2, arity=2, found=3$/,
    )
    expect((await errors('-edge(1)'))[0]).toMatch(/^ARITY_MISMATCH: edge has 2 columns, not 1/)
    expect(await run('.rel')).toEqual([expect.anything(), expect.stringContaining('tuples: 1')])
  })

  test('of a type that the schema does not have are refused, with the place in the list', async () => {
    const { run, errors } = await bench()
    expect(await run('+p(name: string, w: float)')).toEqual([
      "Schema for 'p' registered with 2 columns (persistent)",
    ])
    expect(await errors('\n+p[("a", 1), (2, 1)]')).toEqual([
      expect.stringMatching(/^TYPE_MISMATCH: .* \(line 2\)$/),
    ])
    expect(await run('?p(X, Y)')).toEqual(['No results.'])
    expect((await errors('+p(a: int)'))[0]).toMatch(/^SCHEMA_INVALID/)
    expect((await errors('+q(time: int)'))[0]).toMatch(/^SCHEMA_INVALID/)
    await run('+p("a", 1)')
    expect(await run('.rel')).toEqual([
      'Relations:',
      '  p (arity: 2, columns: [name: string, w: float], tuples: 1)',
    ])
  })
})

describe('a query', () => {
  const filled = async () => {
    const it = await bench()
    await it.run('+edge[(1, 2), (2, 2), (1.0, 3), ("a", null), (10, 2)]')
    return it
  }

  test('prints whole facts in order, titled by its terms', async () => {
    const { run } = await filled()
    expect(await run('?edge(X, _)')).toEqual([
      '┌─────┬──────┐',
      '│ X   │ _    │',
      '├─────┼──────┤',
      '│ 1   │ 2    │',
      '│ 1.0 │ 3    │',
      '│ 2   │ 2    │',
      '│ 10  │ 2    │',
      '│ "a" │ null │',
      '└─────┴──────┘',
      '5 rows',
    ])
  })

  test.each([
    ['?edge(1, X)', ['│ 1 │ 2 │']],
    ['?edge(1.0, X)', ['│ 1.0 │ 3 │']],
    ['?edge(X, X)', ['│ 2 │ 2 │']],
    ['?edge("a", null)', ['│ "a" │ null │']],
    ['?edge(_, 2)', ['│  1 │ 2 │', '│  2 │ 2 │', '│ 10 │ 2 │']],
    ['?edge(7, 7)', []],
  ])('%s', async (text, rows) => {
    const { run } = await filled()
    const lines = await run(text)
    expect(lines.slice(3, -2)).toEqual(rows)
    expect(lines.at(-1)).toBe(rows.length === 0 ? 'No results.' : `${rows.length} rows`)
  })

  test('a constant stands as the title of its column, unless the columns have names', async () => {
    const { run } = await filled()
    expect((await run('?edge("a", X)'))[1]).toBe('│ "a" │ X    │')
    await run('+p(name: string, w: float)\n+p[("a", 1), ("b", 2.5)]')
    expect(await run('?p(X, 1)')).toEqual([
      '┌──────┬─────┐',
      '│ name │ w   │',
      '├──────┼─────┤',
      '│ "a"  │ 1.0 │',
      '└──────┴─────┘',
      '1 rows',
    ])
  })

  test('a variable that is repeated asks for equality, which 1 and 1.0 are not', async () => {
    const { run } = await bench()
    await run('+p(a: int, b: float)\n+p(1, 1)\n+q[(1, 1.0), (1.0, 1.0), ("x", "x"), (null, null)]')
    expect(await run('?p(X, X)')).toEqual(['No results.'])
    expect((await run('?q(X, X)')).slice(3, -2)).toEqual([
      '│ null │ null │',
      '│ 1.0  │ 1.0  │',
      '│ "x"  │ "x"  │',
    ])
  })

  test('a fact is what has a positive multiplicity', async () => {
    const { run, store } = await bench()
    await store.commit([
      { shard: 'default:m', data: [1], diff: 3 },
      { shard: 'default:m', data: [2], diff: -1 },
    ])
    expect((await run('?m(X)')).slice(3)).toEqual(['│ 1 │', '└───┘', '1 rows'])
    expect(await run('+m[1, 2]')).toEqual(["Inserted 1 fact(s) into 'm'."])
  })

  test('names what there is not', async () => {
    const { errors } = await filled()
    expect(await errors('\n ?egde(X, Y)')).toEqual([
      'NAME_UNKNOWN: there is no relation egde (did you mean edge?). line=2, column=3, name=egde, nearest=edge',
      '   ?egde(X, Y)',
      '    ^',
    ])
    expect(await errors('?edge(X)')).toEqual([
      'ARITY_MISMATCH: edge has 2 columns, not 1. line=1, column=2, arity=2, found=1',
      '  ?edge(X)',
      '   ^',
    ])
  })

  test('what a string holds breaks neither table nor terminal', async () => {
    const { run } = await bench()
    await run('+s("a\\u001b[2J\\nb │ c")')
    expect((await run('?s(X)'))[3]).toBe('│ "a\\u001b[2J\\nb │ c" │')
  })
})

describe('time', () => {
  const history = async () => {
    const it = await bench()
    await it.run('+edge(1, 2)\n+edge(2, 3)\n-edge(1, 2)\n+other("x")')
    return it
  }

  test('a query as of a time sees what was then', async () => {
    const { run, errors } = await history()
    expect((await run('?edge(X, Y) @ 1')).at(-1)).toBe('2 rows')
    expect((await run('?edge(X, Y)')).at(-1)).toBe('1 rows')
    expect(await run('?other(X) @ 1')).toEqual(['No results.'])
    expect((await errors('?edge(X, Y) @ 4'))[0]).toMatch(/^AS_OF_NOT_BEFORE_UPPER/)
  })

  test('.as-of stays, shows in the prompt, and refuses changes', async () => {
    const { run, errors, session } = await history()
    expect(await run('.as-of')).toEqual(['Reading as of now (the latest time is 3).'])
    expect(session.prompt).toBe('default> ')
    expect(await run('.as-of 0')).toEqual(['Reading as of 0 (the latest time is 3); .as-of now goes back.'])
    expect(session.prompt).toBe('default @ 0> ')
    expect((await run('?edge(X, Y)')).at(-1)).toBe('1 rows')
    expect((await run('?edge(X, Y) @ 1')).at(-1)).toBe('2 rows')
    for (const change of ['+edge(9, 9)', '-edge(2, 3)', '+new(a: int)'])
      expect((await errors(change))[0]).toMatch(
        /^STATEMENT_INVALID: the session reads as of 0; \.as-of now allows changes again/,
      )
    expect((await errors('.as-of 4'))[0]).toMatch(/^AS_OF_NOT_BEFORE_UPPER/)
    expect((await errors('.as-of then'))[0]).toMatch(/^STATEMENT_INVALID: a time is a whole number.*column=8/)
    expect(session.asOf).toBe(0)
    await run('.as-of now')
    expect(await run('+edge(9, 9)')).toEqual(["Inserted 1 fact(s) into 'edge'."])
  })

  test('.as-of in an empty store', async () => {
    const { run, errors } = await bench()
    expect(await run('.as-of')).toEqual(['Reading as of now (the latest time is yet to come).'])
    expect((await errors('.as-of 0'))[0]).toMatch(/^AS_OF_NOT_BEFORE_UPPER/)
    expect((await errors('?edge(X)'))[0]).toMatch(/^NAME_UNKNOWN/)
  })

  test('.diff shows what changed, relation by relation', async () => {
    const { run, errors } = await history()
    expect(await run('.diff 0 3')).toEqual([
      'Relation: edge',
      '┌──────┬───┬───┐',
      '│ diff │ A │ B │',
      '├──────┼───┼───┤',
      '│   -1 │ 1 │ 2 │',
      '│    1 │ 2 │ 3 │',
      '└──────┴───┴───┘',
      '2 rows',
      'Relation: other',
      '┌──────┬─────┐',
      '│ diff │ A   │',
      '├──────┼─────┤',
      '│    1 │ "x" │',
      '└──────┴─────┘',
      '1 rows',
    ])
    expect((await run('.diff 0 3 other')).at(0)).toBe('Relation: other')
    expect(await run('.diff 2 2')).toEqual(['No results.'])
    expect((await errors('.diff 0 3 othr'))[0]).toMatch(/^NAME_UNKNOWN: .*did you mean other.*column=11/)
    expect((await errors('.diff 3 0'))[0]).toMatch(/^STATEMENT_INVALID: 3 is later than 0.*column=7/)
    expect((await errors('.diff 0'))[0]).toMatch(/^STATEMENT_INVALID: expected \.diff T1 T2 or .*column=8/)
    await run('.compact since 2')
    expect((await errors('.diff 0 3'))[0]).toMatch(/^AS_OF_BEFORE_SINCE/)
    expect((await errors('?edge(X, Y) @ 1'))[0]).toMatch(/^AS_OF_BEFORE_SINCE/)
  })

  test('every statement lets go of its snapshot', async () => {
    const { run, errors, store } = await history()
    await run('?edge(X, Y)\n.rel\n.rel edge\n.diff 0 3\n.as-of 1\n+').catch(() => {})
    await errors('?edge(X)\n?no(X)\n.diff 0 3 no\n.rel no')
    expect(store.status().snapshots).toBe(0)
  })
})

describe('knowledge graphs', () => {
  test('keep relations apart, and exist by their facts', async () => {
    const { run, errors, session } = await bench()
    await run('+edge(1, 2)')
    expect(await run('.kg')).toEqual(['Current knowledge graph: default'])
    expect(await run('.kg create zoo')).toEqual([
      "Knowledge graph 'zoo' created.",
      'Switched to knowledge graph: zoo',
    ])
    expect(session.prompt).toBe('zoo> ')
    expect(await run('.kg list')).toEqual(['Knowledge Graphs:', '  default', '  zoo *'])
    expect(await run('.rel')).toEqual(['No relations.'])
    expect((await errors('?edge(X, Y)'))[0]).toMatch(/^NAME_UNKNOWN/)
    await run('.kg use default')
    expect(await run('.kg list')).toEqual(['Knowledge Graphs:', '  default *'])
    await run('.kg create zoo\n+edge(7)')
    expect(await run('.kg use default')).toEqual(['Switched to knowledge graph: default'])
    expect(await run('.kg list')).toEqual(['Knowledge Graphs:', '  default *', '  zoo'])
    expect((await errors('.kg create zoo'))[0]).toMatch(
      /^STATEMENT_INVALID: there is a knowledge graph zoo.*column=12/,
    )
    expect((await errors('.kg create a:b'))[0]).toMatch(/^STATEMENT_INVALID: a graph is named by/)
    expect((await errors('.kg use zo'))[0]).toMatch(
      /^NAME_UNKNOWN: there is no knowledge graph zo \(did you mean zoo/,
    )
    expect((await errors('.kg use'))[0]).toMatch(/^STATEMENT_INVALID: expected \.kg or .*column=8/)
    expect((await errors('.kg toString'))[0]).toMatch(/^STATEMENT_INVALID: expected \.kg or/)
    expect((await errors('.kg list all'))[0]).toMatch(/^STATEMENT_INVALID: expected \.kg or .*column=10/)
    expect(session.graph).toBe('default')
  })
})

describe('dropping', () => {
  test('a relation: it is gone, and its name can be used for another (IL-48)', async () => {
    const { run, errors } = await bench()
    await run('+edge[(1, 2), (2, 3)]\n+node("a")')
    expect(await run('.rel drop edge')).toEqual(["Relation 'edge' dropped."])
    expect(await run('.rel')).toEqual(['Relations:', '  node (arity: 1, columns: [col0: any], tuples: 1)'])
    expect((await errors('?edge(X, Y)'))[0]).toMatch(/^NAME_UNKNOWN: there is no relation edge/)
    expect((await errors('.rel drop edge'))[0]).toMatch(/^NAME_UNKNOWN: there is no relation edge.*column=11/)
    expect((await errors('.rel drop nod'))[0]).toMatch(/did you mean node/)
    expect(await run('+edge(1, 2, 3)')).toEqual(["Inserted 1 fact(s) into 'edge'."])
    expect((await errors('.rel drop edge node'))[0]).toMatch(
      /^STATEMENT_INVALID: expected \.rel or .*column=16/,
    )
    expect((await errors('.rel drop'))[0]).toMatch(/^STATEMENT_INVALID: expected \.rel or .*column=10/)
    expect(await run('+drop(1)\n.rel drop')).toContain('Relation: drop')
    expect(await run('.rel drop drop')).toEqual(["Relation 'drop' dropped."])
    expect((await errors('.as-of 0\n.rel drop edge\n.as-of now'))[0]).toMatch(
      /^STATEMENT_INVALID: the session reads as of 0/,
    )
    expect(await run('.rel drop edge\n.rel drop node\n.rel')).toEqual([
      "Relation 'edge' dropped.",
      "Relation 'node' dropped.",
      'No relations.',
    ])
  })

  test('a knowledge graph, with all its relations in one commit; whoever is in it goes to default (IL-48)', async () => {
    const { run, errors, session, store } = await bench()
    await run('+edge(1)\n.kg create zoo\n+animal(1)\n+cage(2)\n.kg create zoo2\n+animal(3)\n.kg use zoo')
    const { lsn } = store.status()
    expect(await run('.kg drop zoo')).toEqual([
      "Knowledge graph 'zoo' dropped.",
      'Switched to knowledge graph: default',
    ])
    expect(store.status()).toMatchObject({
      lsn: lsn + 1,
      shards: [{ name: 'default:edge' }, { name: 'zoo2:animal' }],
    })
    expect(session.graph).toBe('default')
    expect((await errors('.kg drop zoo'))[0]).toMatch(
      /^NAME_UNKNOWN: there is no knowledge graph zoo \(did you mean zoo2.*column=10/,
    )
    expect((await errors('.kg drop'))[0]).toMatch(/^STATEMENT_INVALID: expected \.kg or .*column=9/)
    expect((await errors('.as-of 0\n.kg drop zoo2\n.as-of now'))[0]).toMatch(/reads as of 0/)
    expect(await run('.kg drop zoo2')).toEqual(["Knowledge graph 'zoo2' dropped."])
    expect(await run('.kg create zoo\n+animal("again")\n.kg use default\n.kg list')).toEqual([
      "Knowledge graph 'zoo' created.",
      'Switched to knowledge graph: zoo',
      "Inserted 1 fact(s) into 'animal'.",
      'Switched to knowledge graph: default',
      'Knowledge Graphs:',
      '  default *',
      '  zoo',
    ])
  })

  test('default leaves it empty; a graph that has no relation yet is only left', async () => {
    const { run, store } = await bench()
    await run('+edge(1)')
    expect(await run('.kg drop default')).toEqual(["Knowledge graph 'default' dropped."])
    expect(await run('.rel\n.kg list')).toEqual(['No relations.', 'Knowledge Graphs:', '  default *'])
    expect(await run('.kg drop default')).toEqual(["Knowledge graph 'default' dropped."])
    expect(await run('.kg create empty\n.kg drop empty')).toEqual([
      "Knowledge graph 'empty' created.",
      'Switched to knowledge graph: empty',
      "Knowledge graph 'empty' dropped.",
      'Switched to knowledge graph: default',
    ])
    expect(store.status().lsn).toBe(2)
  })

  test.each(['_', 'persist', 'metadata', '__proto__', 'constructor'])(
    'a graph called %s is one like any other (IL-48)',
    async name => {
      const { run, store } = await bench()
      await run(`+edge(1)\n.kg create ${name}\n+edge(2)`)
      await store.flush()
      expect(await run('?edge(X)')).toContain('│ 2 │')
      await run(`.kg drop ${name}`)
      await store.flush()
      expect(await run('?edge(X)')).toContain('│ 1 │')
      expect(store.status().shards.map(shard => shard.name)).toEqual(['default:edge'])
      expect(store.status().state).toBe('serving')
    },
  )

  test('as JSON', async () => {
    const { run } = await bench({ format: 'json' })
    await run('+edge(1)\n.kg create zoo\n+animal(1)')
    expect((await run('.kg drop zoo\n.rel drop edge')).map(line => JSON.parse(line))).toEqual([
      {
        statement: '.kg drop zoo',
        line: 1,
        kind: '.kg',
        dropped: 'zoo',
        relations: ['animal'],
        current: 'default',
      },
      { statement: '.rel drop edge', line: 2, kind: '.rel', relation: 'edge', dropped: true },
    ])
  })
})

describe('commands', () => {
  test('.rel name shows the first facts and counts them all', async () => {
    const { run, errors } = await bench()
    await run(`+n[${Array.from({ length: 25 }, (_, n) => n).join(', ')}]`)
    const lines = await run('.rel n')
    expect(lines.slice(0, 3)).toEqual(['Relation: n', '┌────┐', '│ A  │'])
    expect(lines.at(-1)).toBe('20 of 25 total rows')
    await run(`-n[${Array.from({ length: 25 }, (_, n) => n).join(', ')}]`)
    expect(await run('.rel n')).toEqual(['Relation: n', '0 of 0 total rows'])
    expect((await errors('.rel m'))[0]).toMatch(/^NAME_UNKNOWN: there is no relation m \(did you mean n/)
    expect((await errors('.rel n m'))[0]).toMatch(
      /^STATEMENT_INVALID: expected \.rel or \.rel NAME.*column=8/,
    )
  })

  test('.status says all there is to know', async () => {
    const { run } = await bench()
    await run('+edge(1, 2)')
    const lines = await run('.status')
    expect(lines.map(line => /^[A-Z][A-Za-z ]+:/.exec(line)?.[0])).toEqual([
      'Data directory:',
      'Health:',
      'Durability mode:',
      'LSN:',
      'Next time:',
      'WAL size:',
      'Buffer:',
      'Last flush:',
      'Last compaction:',
      'Recovery:',
      'Shards:',
      undefined,
      undefined,
    ])
    expect(lines).toContain('LSN:             current 1, durable 1')
    expect(lines.at(-1)).toMatch(/^ {2}default:edge +0 +0 +0 B +1 +0 +0$/)
  })

  test('.flush and .compact say what they did', async () => {
    const { run, errors } = await bench()
    await run('+edge(1, 2)')
    expect(await run('.flush')).toEqual([
      'Flush complete.',
      expect.stringMatching(/^ {2}default:edge: 1 updates -> 1 rows, .*B$/),
    ])
    expect(await run('.flush')).toEqual(['Flush complete.'])
    await run('-edge(1, 2)')
    expect(await run('.compact since 1')).toEqual([
      'Compaction complete.',
      expect.stringMatching(/^ {2}default:edge: 2 -> 0 batches, 2 -> 0 rows, .* -> 0 B, since 1$/),
      expect.stringMatching(/^ {2}.* freed$/),
    ])
    expect(await run('.compact')).toEqual(['Compaction complete.', '  nothing to merge'])
    expect((await errors('.compact until 1'))[0]).toMatch(
      /^STATEMENT_INVALID: expected \.compact or.*column=10/,
    )
    expect((await errors('.compact since'))[0]).toMatch(
      /^STATEMENT_INVALID: expected \.compact or.*column=15/,
    )
    expect((await errors('.compact since 99'))[0]).toMatch(/^SINCE_NOT_BEFORE_UPPER/)
  })

  test('names that only code could have given break no terminal', async () => {
    const { run, store } = await bench()
    await store.commit([{ shard: 'a\u001b[2J:b\nc', data: [1], diff: 1 }])
    expect(await run('.kg list')).toEqual(['Knowledge Graphs:', '  a\\u{1b}[2J', '  default *'])
    await run('.kg use "a\u001b[2J"')
    expect((await run('.rel'))[1]).toMatch(/^ {2}b\\u\{a\}c \(arity: 1/)
    expect((await run('.status')).at(-1)).toMatch(/^ {2}a\\u\{1b\}\[2J:b\\u\{a\}c /)
  })

  test('.help lists everything, or explains one', async () => {
    const { run, errors } = await bench()
    expect(await run('.help compact')).toEqual([
      '  .compact',
      '  .compact since T',
      expect.stringContaining('Merges'),
    ])
    expect(await run('.help .kg')).toEqual(await run('.help kg'))
    expect((await run('.help')).join(' ')).toMatch(/\?edge\(1, X\).*\.exit/)
    expect((await errors('.help compat'))[0]).toMatch(/^NAME_UNKNOWN: .*did you mean compact.*column=7/)
  })

  test('.help shows statements that are some', async () => {
    const { run } = await bench()
    const lines = await run('.help')
    const shown = lines.slice(1, lines.indexOf('Commands:')).map(line => line.slice(2, 30).trim())
    expect(shown.map(text => parseStatement({ text, line: 1 }).kind)).toEqual([
      ...['insert', 'insert', 'delete', 'query', 'query', 'schema'],
    ])
  })

  test('.rel lists also what cannot be counted', async () => {
    const { run } = await bench()
    await run('+a(1)\n+b(1)\n.compact since 1\n.as-of 0')
    expect(await run('.rel')).toEqual([
      'Relations:',
      '  a (arity: 1, columns: [col0: any], tuples: AS_OF_BEFORE_SINCE)',
      '  b (arity: 1, columns: [col0: any], tuples: AS_OF_BEFORE_SINCE)',
    ])
  })

  test('unknown ones, and ones to come', async () => {
    const { errors } = await bench()
    expect(await errors('.sttaus')).toEqual([
      'NAME_UNKNOWN: there is no command sttaus (did you mean status?). line=1, column=1, name=sttaus, nearest=status',
      '  .sttaus',
      '  ^',
    ])
    expect((await errors('.rule'))[0]).toMatch(
      /^STATEMENT_INVALID: the command \.rule comes in a later version/,
    )
    expect((await errors('.status now'))[0]).toMatch(/^STATEMENT_INVALID: expected \.status\. .*column=9/)
  })
})

describe('scripts', () => {
  const script = '+a(1)\n\n+a(\n  2) // two\n+a(\n?b(X)\n.quit\n+a(3)'

  test('each statement is echoed; a failed one does not stop them', async () => {
    const lines: string[] = []
    const { console, session } = await bench({
      print: line => lines.push(line),
      note: line => lines.push(line),
    })
    await console.runScript(script.split('\n'), { file: 'x.iql', echo: true })
    expect(lines).toEqual([
      '> +a(1)',
      "Inserted 1 fact(s) into 'a'.",
      '> +a(',
      '    2)',
      "Inserted 1 fact(s) into 'a'.",
      '> +a(',
      '  ?b(X)',
      'STATEMENT_INVALID: the bracket is not closed. line=5, column=3, file=x.iql',
      '  +a(',
      '    ^',
      '> .quit',
    ])
    expect(console.failures).toBe(1)
    expect(session.ended).toBe(true)
  })

  test('the first failure stops them if asked', async () => {
    const lines: string[] = []
    const { console } = await bench({ print: line => lines.push(line), onError: 'stop' })
    await console.runScript(['?b(X)', '+a(1)'], { echo: true })
    expect(lines).toEqual(['> ?b(X)'])
  })

  test('what is unfinished at the end fails', async () => {
    const { errors } = await bench()
    expect(await errors('+a(1')).toEqual([
      'STATEMENT_INVALID: the bracket is not closed. line=1, column=3',
      '  +a(1',
      '    ^',
    ])
    expect(await errors('+a(1)\n /* b')).toEqual([
      'STATEMENT_INVALID: the comment is not closed. line=2, column=2',
      '   /* b',
      '   ^',
    ])
  })

  test('an error without a place of its own says where the statement is', async () => {
    const { run, errors } = await bench()
    await run('+p(a: int)')
    expect((await errors('\n\n+p("x")'))[0]).toMatch(/ \(line 3\)$/)
  })

  test('.load runs a file in the session', async () => {
    const { run, errors, files, console } = await bench()
    files.set('a.iql', '+a(1)\n.load b.iql').set('b.iql', '+a(2)\n+b(')
    expect(await errors('.load a.iql')).toEqual([
      'STATEMENT_INVALID: the bracket is not closed. line=2, column=3, file=b.iql',
      '  +b(',
      '    ^',
    ])
    expect(console.failures).toBe(1)
    files.set('b.iql', '?a(2)')
    expect(await run('.load a.iql')).toEqual([
      '> +a(1)',
      "Inserted 0 fact(s) into 'a'.",
      '> .load b.iql',
      '> ?a(2)',
      '┌───┐',
      '│ 2 │',
      '├───┤',
      '│ 2 │',
      '└───┘',
      '1 rows',
      'File loaded.',
      'File loaded.',
    ])
    expect((await errors('.load'))[0]).toMatch(/^STATEMENT_INVALID: expected \.load FILE/)
    files.set('c.iql', '.load c.iql')
    const failures = console.failures
    expect((await errors('.load c.iql'))[0]).toMatch(
      /load one another more than 16 deep. line=1, column=1, file=c.iql$/,
    )
    expect(console.failures).toBe(failures + 1)
  })

  test('an interruption ends the answer and the scripts that it is in', async () => {
    const lines: string[] = []
    const noted: string[] = []
    const { console, files } = await bench({
      print: line => {
        lines.push(line)
        if (line === '> ?n(X)') console.session.interrupted = true
      },
      note: line => noted.push(line),
    })
    files.set('a.iql', '?n(X)\n+late(1)')
    const run = (text: string) => console.run({ text, line: 1 })
    await run(`+n[${Array.from({ length: 3000 }, (_, n) => n).join(', ')}]`)
    await run('.load a.iql')
    expect(lines.slice(1)).toEqual(['> ?n(X)'])
    expect(noted).toEqual([
      'INTERRUPTED: the statement was interrupted (a.iql, line 1)',
      'INTERRUPTED: the statement was interrupted',
    ])
    await run('?n(7)')
    expect(lines.at(-1)).toBe('1 rows')
  })
})

describe('JSON', () => {
  test('one object a statement, values in their JSON form', async () => {
    const { run } = await bench({ format: 'json' })
    const objects = (await run('+e[(1, 1.0), (2, "a")]\n?e(X, Y)\n?e(7, _)\n.diff 0 0\n.kg')).map(line =>
      JSON.parse(line),
    )
    expect(objects).toEqual([
      { statement: '+e[(1, 1.0), (2, "a")]', line: 1, kind: 'insert', relation: 'e', count: 2, time: 0 },
      {
        statement: '?e(X, Y)',
        line: 2,
        kind: 'query',
        columns: ['X', 'Y'],
        rows: [
          [1, { f: 1 }],
          [2, 'a'],
        ],
      },
      { statement: '?e(7, _)', line: 3, kind: 'query', columns: ['7', '_'], rows: [] },
      { statement: '.diff 0 0', line: 4, kind: '.diff', from: 0, to: 0, count: 0 },
      { statement: '.kg', line: 5, kind: '.kg', current: 'default' },
    ])
  })

  test('.diff has the relations that changed; an error takes the place of an answer', async () => {
    const lines: string[] = []
    const { console } = await bench({ format: 'json', print: line => lines.push(line) })
    const script = '+e(1)\n+e(2)\n+f(1)\n.diff 0 1\n?g(X)\n+p(w: float)\n+p(2)\n?p(X)'
    await console.runScript(script.split('\n'), { file: 's', echo: true })
    const objects = lines.map(line => JSON.parse(line))
    expect(objects.length).toBe(8)
    expect(objects[3]).toMatchObject({
      kind: '.diff',
      count: 1,
      relations: [{ relation: 'e', columns: ['diff', 'A'], rows: [[1, 2]] }],
    })
    expect(objects[4]).toEqual({
      statement: '?g(X)',
      line: 5,
      file: 's',
      error: {
        code: 'NAME_UNKNOWN',
        message: expect.stringContaining('there is no relation g'),
        details: { line: 5, column: 2, file: 's', name: 'g', nearest: 'e' },
      },
    })
    expect(objects[7]).toMatchObject({ columns: ['w'], rows: [[{ f: 2 }]] })
  })
})
