// Owns the floor: what the file system alone takes for a durable append to a growing file.
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'

const LINE_BYTES = 100

/** @type {import('./child.js').Contestant} */
export const raw = {
  async commits({ folder, edges, warmUp, clock }) {
    const file = openSync(join(folder, 'log'), 'a')
    const line = Buffer.alloc(LINE_BYTES, 'x')
    for (let index = 0; index < edges.length; index++) {
      if (index === warmUp) clock.start()
      writeSync(file, line)
      fdatasyncSync(file)
    }
    clock.stop()
    closeSync(file)
    return {}
  },
}
