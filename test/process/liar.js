// A writer that breaks a promise, so that the drill has something to find. The seed of the drill says which.
import { once } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import { assignmentOf, commitOf, lineOf, optionsOf } from '../../dist/drill/task.js'
import { openStore } from '../../dist/index.js'

const { dataDir, mode, run, seed } = assignmentOf(process.argv.slice(2))
const say = word => process.stdout.write(lineOf(word))

/** How far behind what it says it is. */
const LAG = 10

await once(process.stdin, 'data')
say('opening')
const store = await openStore(optionsOf(dataDir, mode))
say('committing')

const LIES = [
  // Says that a commit is done before it is.
  async number => {
    say(number)
    if (number >= LAG) await store.commit(commitOf(run, number - LAG))
  },
  // Commits twice.
  async number => {
    await store.commit(commitOf(run, number))
    await store.commit(commitOf(run, number))
    say(number)
  },
  // Commits by halves.
  async number => {
    const [left] = commitOf(run, number)
    await store.commit([left])
    if (number < LAG) return
    const [, right] = commitOf(run, number - LAG)
    await store.commit([right])
    say(number - LAG)
  },
  // Leaves one out, and is silent about it.
  async number => {
    if (number === 1) return
    await store.commit(commitOf(run, number))
    say(number)
  },
  // Fails.
  async () => {
    throw new Error('this writer has enough')
  },
]

const lie = LIES[seed - run]
for (let number = 0; ; number++) {
  await lie(number)
  await turn()
}
