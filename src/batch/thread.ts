// Owns a thread that makes batches, one after another, on a disk of its own over the same files. It keeps nothing
// between two of them.
import { parentPort } from 'node:worker_threads'
import { diskAt } from '../disk/location.ts'
import { pacedDisk } from '../disk/paced-disk.ts'
import { assert } from '../errors.ts'
import { consolidate } from '../model/consolidate.ts'
import { failureOf } from './failure.ts'
import { type BufferedUpdates, makeBatch } from './make.ts'
import { type Answer, madeAnswer, type Order, taskOf } from './message.ts'
import { Unpacking } from './parcel.ts'

assert(parentPort !== null, 'this runs in a thread')
const port = parentPort

const say = (answer: Answer): void => port.postMessage(answer)

let unpacking = new Unpacking()
let isStopped = false

const received = (): BufferedUpdates => {
  const { columns } = unpacking
  unpacking = new Unpacking()
  return { columns, consolidated: consolidate(columns) }
}

const make = async ({ location, task }: Extract<Order, { kind: 'make' }>): Promise<Answer> => {
  try {
    const updates = task.source.kind === 'buffer' ? received() : undefined
    const made = await makeBatch(pacedDisk(diskAt(location)), taskOf(task, updates), rows => {
      if (isStopped) throw new Error('nobody wants the batch any more')
      say({ kind: 'read', rows })
    })
    return madeAnswer(made)
  } catch (cause) {
    return { kind: 'failed', failure: failureOf(cause) }
  }
}

port.on('message', (order: Order) => {
  if (order.kind === 'piece') unpacking.add(order.piece)
  else if (order.kind === 'stop') isStopped = true
  else {
    isStopped = false
    void make(order).then(say)
  }
})
say({ kind: 'ready' })
