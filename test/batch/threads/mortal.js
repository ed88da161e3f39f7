// A thread that dies of its first task, in the middle of writing; of how many it was told so far is in the file `deaths`.
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parentPort } from 'node:worker_threads'

parentPort.on('message', ({ kind, location, task }) => {
  if (kind !== 'make') return
  const { root } = location
  if (existsSync(join(root, 'deaths'))) {
    parentPort.postMessage({ kind: 'made', inputs: 7, description: undefined })
    return
  }
  writeFileSync(join(root, 'deaths'), '1')
  writeFileSync(join(root, `${task.path}.tmp`), 'half')
  if (task.path.startsWith('throw')) throw new RangeError('on purpose')
  process.exit(3)
})
parentPort.postMessage({ kind: 'ready' })
