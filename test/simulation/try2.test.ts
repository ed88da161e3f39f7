import { test } from 'vitest'
import { crashLife, crashOpens, liveOnce, moments } from './crash.ts'
import { Recoveries } from './recoveries.ts'
import { WORKLOADS } from './workloads.ts'

const KINDS = [
  '^syncDirectory B12',
  '^syncDirectory B13',
  '^syncDirectory wal B13',
  '^sync wal.*B13',
  '^sync store.*B13',
  '^syncDirectory B14',
  '^syncDirectory B16',
  '^syncDirectory B17',
  '^sync wal.*B15',
  '^syncDirectory wal B15',
  'B10$',
  'B19$',
  '^syncDirectory B19',
  '^syncDirectory wal B19',
  '^syncDirectory batches B19',
  '^syncDirectory shards B19',
]
test.each(KINDS)(
  '%s',
  async b => {
    const without = new RegExp(b)
    for (const w of WORKLOADS) {
      const lived = await liveOnce(w, { without })
      const n = lived.disk.trace.length
      try {
        const r = new Recoveries(w.settings)
        await crashLife(lived, moments(n, 3), r)
        await crashOpens(lived, moments(n, 40), { width: 6, depth: 2, options: { without } }, r)
      } catch (e) {
        console.log(b, (e as Error).message.slice(0, 700))
        return
      }
    }
    console.log(b, 'NOTHING')
  },
  600_000,
)
