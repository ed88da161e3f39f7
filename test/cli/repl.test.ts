// `varve` as a REPL: where statements come from, what goes where, exit codes.
import { spawnSync } from 'node:child_process'
import { open, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { main } from '../../src/cli/main.ts'
import { unread } from '../support/processes.ts'
import { scratchFolder } from '../support/scratch.ts'

const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url))

/** Runs the command line in this process. */
const varve = async (...words: string[]): Promise<{ code: number; printed: string[]; noted: string[] }> => {
  const printed: string[] = []
  const noted: string[] = []
  const code = await main(words, { print: line => printed.push(line), note: line => noted.push(line) })
  return { code, printed, noted }
}

/** Runs the command line as a process in a folder. */
const spawned = (cwd: string, words: readonly string[], input?: string | Buffer) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, ...words], {
    cwd,
    input,
    encoding: 'utf8',
  })
  return { status, stdout, stderr }
}

describe('-c', () => {
  test('prints the answers alone; what it did is there the next time', async () => {
    const place = ['--data-dir', join(await scratchFolder(), 'data')]
    expect(await varve('-c', '+edge(1, 2)\n+edge(2, 3)', ...place)).toEqual({
      code: 0,
      printed: ["Inserted 1 fact(s) into 'edge'.", "Inserted 1 fact(s) into 'edge'."],
      noted: [],
    })
    const { printed } = await varve(...place, '-c', '?edge(2, X)')
    expect(printed.slice(-3)).toEqual(['│ 2 │ 3 │', '└───┴───┘', '1 rows'])
    expect((await varve('repl', ...place, '--json', '--command', '?edge(2, X)')).printed).toEqual([
      '{"statement":"?edge(2, X)","line":1,"kind":"query","columns":["2","X"],"rows":[[2,3]]}',
    ])
  })

  test('takes a text that begins with a dash', async () => {
    const place = ['--data-dir', join(await scratchFolder(), 'data')]
    expect(await varve('-c', '-edge(1, 2)', ...place)).toMatchObject({
      code: 0,
      printed: ["Deleted 0 facts from 'edge'."],
    })
  })

  test('goes on after a failure and exits with 1; with --bail it stops there', async () => {
    const place = ['--data-dir', join(await scratchFolder(), 'data')]
    const text = '+edge(1, 2)\n+edge(1 2)\n+edge(2, 3)'
    expect(await varve('-c', text, ...place, '--bail')).toEqual({
      code: 1,
      printed: ["Inserted 1 fact(s) into 'edge'."],
      noted: [
        'STATEMENT_INVALID: expected , or ) after a term, found 2. line=2, column=9',
        '  +edge(1 2)',
        '          ^',
      ],
    })
    const { code, printed } = await varve('-c', text, ...place)
    expect(code).toBe(1)
    expect(printed).toEqual(["Inserted 0 fact(s) into 'edge'.", "Inserted 1 fact(s) into 'edge'."])
  })
})

describe('a script', () => {
  test('is run from a file, with or without the name of the command', async () => {
    const folder = await scratchFolder()
    const place = ['--data-dir', join(folder, 'data')]
    const file = join(folder, 'a.iql')
    await writeFile(file, `// one\n+edge(1, 2)\n.load "${join(folder, 'b.iql')}"\n?edge(X)`)
    await writeFile(join(folder, 'b.iql'), '\ufeff+edge(2, 3)\r\n')
    const { code, printed, noted } = await varve(file, ...place)
    expect(code).toBe(1)
    expect(printed).toEqual([
      '> +edge(1, 2)',
      "Inserted 1 fact(s) into 'edge'.",
      `> .load "${join(folder, 'b.iql')}"`,
      '> +edge(2, 3)',
      "Inserted 1 fact(s) into 'edge'.",
      'File loaded.',
      '> ?edge(X)',
    ])
    expect(noted[0]).toBe(
      `ARITY_MISMATCH: edge has 2 columns, not 1. line=4, column=2, file=${file}, arity=2, found=1`,
    )
    expect((await varve('repl', file, ...place)).printed[1]).toBe("Inserted 0 fact(s) into 'edge'.")
    expect((await varve(...place, file)).printed[1]).toBe("Inserted 0 fact(s) into 'edge'.")
  })

  test('that cannot be read is an error, and makes no store', async () => {
    const folder = await scratchFolder()
    const place = ['--data-dir', join(folder, 'data')]
    const { code, noted } = await varve(join(folder, 'no.iql'), ...place)
    expect(code).toBe(1)
    expect(noted).toEqual([expect.stringMatching(/^varve repl: DISK_MISSING/)])
    expect(await readdir(folder)).toEqual([])
    const bad = join(folder, 'bad.iql')
    await writeFile(bad, Buffer.from([0x2b, 0xff]))
    expect((await varve(bad, ...place)).noted).toEqual([
      expect.stringMatching(/^varve repl: FILE_INVALID: the line is not UTF-8\. file=.*bad\.iql, line=1$/),
    ])
    await varve('-c', '+a(1)', ...place)
    const load = await varve('-c', `.load ${join(folder, 'no.iql')}\n.load ${bad}\n?a(X)`, ...place)
    expect(load.code).toBe(1)
    expect(load.noted).toEqual([
      expect.stringMatching(/^DISK_MISSING: .* \(line|^DISK_MISSING/),
      expect.stringMatching(/^FILE_INVALID: .*bad\.iql, line=1 \(line 2\)$/),
    ])
    expect(load.printed.at(-1)).toBe('1 rows')
  })

  test.each([
    ['two sources', ['-c', '+a(1)', 'a.iql']],
    ['two files', ['a.iql', 'b.iql']],
    ['an unknown flag', ['--bial']],
    ['no text', ['-c']],
  ])('%s: a wrong call', async (_, words) => {
    const { code, noted } = await varve('--data-dir', join(await scratchFolder(), 'data'), ...words)
    expect(code).toBe(2)
    expect(noted).toEqual([expect.stringMatching(/^varve repl: .*varve repl --help shows how$/)])
  })
})

describe('the process', () => {
  test('takes a script from standard input, answers on one stream and complains on the other', async () => {
    const folder = await scratchFolder()
    expect(
      spawned(folder, [], '+edge[(1, 2),\n(2, 3)]\n?edge(1, X)\n?egde(X, Y)\n.quit\n?edge(X, Y)\n'),
    ).toEqual({
      status: 1,
      stdout: [
        '> +edge[(1, 2),',
        '  (2, 3)]',
        "Inserted 2 fact(s) into 'edge'.",
        '> ?edge(1, X)',
        '┌───┬───┐',
        '│ 1 │ X │',
        '├───┼───┤',
        '│ 1 │ 2 │',
        '└───┴───┘',
        '1 rows',
        '> ?egde(X, Y)',
        '> .quit',
        '',
      ].join('\n'),
      stderr: [
        'NAME_UNKNOWN: there is no relation egde (did you mean edge?). line=4, column=2, name=egde, nearest=edge',
        '  ?egde(X, Y)',
        '   ^',
        '',
      ].join('\n'),
    })
    expect(spawned(folder, [], '')).toEqual({ status: 0, stdout: '', stderr: '' })
  })

  test('ends with 141, in the midst of a script, when nobody reads its answers', async () => {
    const folder = await scratchFolder()
    const file = join(folder, 'many.iql')
    const count = 20_000
    await writeFile(file, Array.from({ length: count }, (_, index) => `+n(${index})\n`).join(''))
    const place = ['--data-dir', join(folder, 'data')]
    const flags = ['--durability-mode', 'none']
    expect(await unread(CLI, [file, ...place, ...flags])).toEqual({
      status: 141,
      stderr: expect.stringMatching(/^warning: [^\n]*\n$/),
    })
    const { printed } = await varve('-c', '.rel', ...place)
    expect(printed.join('\n')).not.toContain(`tuples: ${count})`)
  })

  test.runIf(process.platform === 'linux')('says in one line that its output cannot be written', async () => {
    const full = await open('/dev/full', 'w')
    try {
      const { status, stderr } = spawnSync(process.execPath, [CLI, '-c', '.help'], {
        cwd: await scratchFolder(),
        stdio: ['ignore', full.fd, 'pipe'],
        encoding: 'utf8',
      })
      expect({ status, stderr }).toEqual({
        status: 1,
        stderr: 'varve: DISK_FULL: the disk is full. path=standard output, operation=write, errno=ENOSPC\n',
      })
    } finally {
      await full.close()
    }
  })

  test('a script is a file: a pipe is refused by the name that it has here', async () => {
    const folder = await scratchFolder()
    expect(spawned(folder, ['/dev/stdin'], '.kg')).toMatchObject({
      status: 1,
      stderr: 'varve repl: DISK_NOT_A_FILE: this is not a regular file. path=/dev/stdin, operation=open\n',
    })
    expect(await readdir(folder)).toEqual([])
  })

  test('exits with 0, 1, 2', async () => {
    const folder = await scratchFolder()
    await writeFile(join(folder, 'a.iql'), '+edge(1, 2)')
    expect(spawned(folder, ['a.iql'])).toMatchObject({ status: 0, stderr: '' })
    expect(spawned(folder, ['./a.iql', '--data-dir', 'other'])).toMatchObject({ status: 0 })
    expect(await readdir(folder)).toEqual(['a.iql', 'data', 'other'])
    expect(spawned(folder, ['-c', '?edge(1, 2)'])).toMatchObject({ status: 0 })
    expect(spawned(folder, ['-c', '?edge(1)'])).toMatchObject({ status: 1, stdout: '' })
    expect(spawned(folder, ['--no-such-flag'])).toMatchObject({ status: 2 })
    expect(spawned(folder, [], Buffer.from([0xff]))).toMatchObject({
      status: 1,
      stderr: 'varve repl: FILE_INVALID: the line is not UTF-8. file=standard input, line=1\n',
    })
  })
})
