// A process that is going to be killed: it commits, flushes and compacts without end, and says what was acknowledged.
// It begins when a line comes in, so that it can be loaded beforehand, and ends by itself if nobody is left to kill it.
import { once } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import { openStore } from '../index.ts'
import { randomFrom } from './random.ts'
import { assignmentOf, commitOf, lineOf, optionsOf, type Word } from './task.ts'

/** Commits that are under way at once. */
const CONCURRENT_MAX = 8
/** Commits between two calls of `flush` or `compact`. */
const BETWEEN_MAX = 48
/** Times that a compaction may keep readable. */
const WINDOW = 50

const { dataDir, mode, run, seed } = assignmentOf(process.argv.slice(2))
const random = randomFrom(seed)
// Written at once, as it is a pipe: what is said here was said before the kill.
const say = (word: Word): void => {
  process.stdout.write(lineOf(word))
}

await once(process.stdin, 'data')
process.stdin.once('end', () => process.exit())

say('opening')
const store = await openStore(optionsOf(dataDir, mode))

const maintain = async (): Promise<void> => {
  if (random(2) === 0) {
    say('flushing')
    await store.flush()
  } else {
    say('compacting')
    await store.compact({ since: Math.max(0, store.upper - 1 - random(WINDOW)) })
  }
  say('committing')
}

let maintaining: Promise<void> | undefined
let pause = random(BETWEEN_MAX)

say('committing')
for (let number = 0; ; ) {
  const group = Array.from({ length: 1 + random(CONCURRENT_MAX) }, () => number++)
  await Promise.all(
    group.map(async each => {
      await store.commit(commitOf(run, each))
      say(each)
    }),
  )
  pause -= group.length
  if (pause <= 0 && maintaining === undefined) {
    pause = random(BETWEEN_MAX)
    maintaining = maintain().finally(() => {
      maintaining = undefined
    })
  }
  // Files are written between two turns, and a commit of mode `async` needs none.
  await turn()
}
