// A process that uses a store in the ways that every application does, and tells each module that it loads on standard
// error, a line each. Usage: node loaded.js DIR [arrow].
import { writeSync } from 'node:fs'
import { register } from 'node:module'

const hooks = `
import { writeSync } from 'node:fs'
export const load = (url, context, next) => {
  writeSync(2, url + '\\n')
  return next(url, context)
}`
register(`data:text/javascript,${encodeURIComponent(hooks)}`)

const [dataDir, also] = process.argv.slice(2)
const { openStore } = await import('../../dist/index.js')
const options = { dataDir }
const edge = 'default:edge'

let store = await openStore(options)
for (let round = 0; round < 2; round++) {
  for (let index = 0; index < 50; index++)
    await store.commit([{ shard: edge, data: [index, `name ${index % 7}`], diff: 1 }])
  await store.flush()
}
await store.compact()
await store.close()
store = await openStore(options)
const snapshot = await store.snapshot()
let rows = 0
for await (const _ of snapshot.rows(edge)) rows++
if (also === 'arrow') rows = (await snapshot.toArrow(edge)).numRows
await snapshot.close()
await store.close()
writeSync(1, `${rows}`)
