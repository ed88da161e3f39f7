// Rules 23, GB-18, GB-34: the commands that only read, beside a store that is open for writing in this very process.
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { main } from '../../src/cli/main.ts'
import { openStore } from '../../src/store/open.ts'
import type { Store } from '../../src/store/store.ts'
import { scratchFolder } from '../support/scratch.ts'

let dataDir: string
let store: Store
let printed: string[]
let noted: string[]

beforeEach(async () => {
  dataDir = await scratchFolder()
  store = await openStore({ dataDir })
  onTestFinished(() => store.close())
  for (const value of [1, 2, 3]) await store.insert('default:edge', [[value, value + 1]])
})

const LEFT_OUT =
  '1 commit(s) at the end of the log are left out: nothing proves them durable yet; a flush or the clean close of the ' +
  'process that writes does, and varve flush if there is none'

const varve = async (...words: string[]): Promise<number> => {
  printed = []
  noted = []
  const output = { print: (line: string) => printed.push(line), note: (line: string) => noted.push(line) }
  return main([...words, '--data-dir', dataDir], output)
}

describe('beside a writer', () => {
  test('status says what is seen, and how much of the log nothing proves yet', async () => {
    expect(await varve('status')).toBe(0)
    const text = printed.join('\n')
    expect(text).toMatch(/^LSN: {13}2, and 1 behind it that nothing proves durable yet$/m)
    expect(text).toMatch(/^Log: {13}2 commits replayed \(2 applied, 0 skipped\)/m)
    expect(text).not.toMatch(/Last flush|Recovery/)
    expect(await varve('status', '--json')).toBe(0)
    expect(JSON.parse(printed[0]!)).toMatchObject({ access: 'read', lsn: 2, unproven: 1, epoch: 1 })
    await store.flush()
    expect(await varve('status')).toBe(0)
    expect(printed.join('\n')).toMatch(/^LSN: {13}3$/m)
  })

  test('export leaves out what nothing proves, and says so', async () => {
    const file = join(dataDir, 'edges.csv')
    expect(await varve('export', 'default:edge', file)).toBe(0)
    expect(noted).toEqual([LEFT_OUT])
    expect((await readFile(file, 'utf8')).trim().split('\n')).toHaveLength(3)
    await store.flush()
    expect(await varve('export', 'default:edge', file)).toBe(0)
    expect(noted).toEqual([])
    expect((await readFile(file, 'utf8')).trim().split('\n')).toHaveLength(4)
  })

  test('a session that only reads says once that something is left out, and JSON how much', async () => {
    expect(await varve('--read-only', '-c', '?edge(X, Y)\n?edge(1, X)')).toBe(0)
    expect(noted).toEqual([LEFT_OUT])
    expect(await varve('--read-only', '--json', '-c', '?edge(X, Y)')).toBe(0)
    expect(noted).toEqual([LEFT_OUT])
    expect(JSON.parse(printed[0]!)).toMatchObject({
      unproven: 1,
      rows: [
        [1, 2],
        [2, 3],
      ],
    })
    await store.flush()
    expect(await varve('--read-only', '--json', '-c', '?edge(X, Y)')).toBe(0)
    expect(noted).toEqual([])
    expect(JSON.parse(printed[0]!)).toMatchObject({
      unproven: 0,
      rows: [
        [1, 2],
        [2, 3],
        [3, 4],
      ],
    })
  })

  test('who would write is told how to read', async () => {
    expect(await varve('-c', '?edge(X, Y)')).toBe(1)
    expect(noted).toEqual([
      expect.stringMatching(/^varve repl: LOCKED: /),
      '  what to do: to read takes no lock: varve --read-only, status, export, verify',
    ])
  })

  test("status says nothing of the writer's settings, which are not on disk", async () => {
    expect(await varve('status', '--durability-mode', 'async', '--buffer-size', '7')).toBe(0)
    expect(printed.join('\n')).not.toMatch(/Durability mode|flushes at/)
    const read = ['--read-only', '-c', '.status', '--json', '--durability-mode', 'async']
    for (const words of [['status', '--json'], read]) {
      expect(await varve(...words)).toBe(0)
      const answer = JSON.parse(printed[0]!)
      const status = answer.status ?? answer
      expect(status).toMatchObject({ access: 'read', buffer: { updates: 2 } })
      expect(status).not.toHaveProperty('mode')
      expect(status.buffer).not.toHaveProperty('size')
    }
  })

  test('a session sees what came since, before each statement', async () => {
    await store.flush()
    const query = '?edge(3, X)'
    await mkdir(join(dataDir, 'scripts'))
    const script = join(dataDir, 'scripts/two.iql')
    await writeFile(script, `${query}\n.as-of 0\n?edge(X, Y)\n.status\n`)
    expect(await varve('repl', script, '--read-only', '--json')).toBe(0)
    const answers = printed.map(line => JSON.parse(line))
    expect(answers[0].rows).toEqual([[3, 4]])
    expect(answers[2].rows).toEqual([[1, 2]])
    expect(answers[3].status).toMatchObject({ access: 'read', lsn: 3 })
  })

  test.each([
    '+edge(9, 9)',
    '-edge(1, 2)',
    '+new(a: int)',
    '.flush',
    '.compact',
    '.compact since 1',
    '.rel drop edge',
    '.kg drop default',
  ])('%s is refused in a session that only reads', async statement => {
    const before = store.status()
    expect(await varve('--read-only', '-c', statement)).toBe(1)
    expect(noted).toEqual([LEFT_OUT, 'READ_ONLY: the store is open for reading only'])
    expect(store.status()).toEqual(before)
  })

  test('a session that only reads makes no store', async () => {
    const there = dataDir
    dataDir = join(there, 'none')
    expect(await varve('--read-only', '-c', '?edge(X, Y)')).toBe(1)
    expect(noted[0]).toMatch(/DISK_MISSING/)
    dataDir = there
  })

  test('verify is content, and finds damage that stays', async () => {
    await store.flush()
    expect(await varve('verify')).toBe(0)
    expect(printed[0]).toMatch(/^Sound: 1 shard\(s\), 1 batch\(es\) with 3 rows/)
    const batch = join(dataDir, 'persist/batches/1.parquet')
    await rename(batch, `${batch}.away`)
    expect(await varve('verify', '--json')).toBe(1)
    expect(JSON.parse(printed[0]!)).toMatchObject({
      problems: [{ code: 'BATCH_MISSING', details: { file: 'batches/1.parquet' } }],
    })
    await rename(`${batch}.away`, batch)
    expect(await varve('verify')).toBe(0)
  })
})
