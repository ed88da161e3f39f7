import { test } from 'vitest'
import { WORKLOADS } from './workloads.ts'
import { liveOnce, crashKilledOpens, moments, type Fault } from './crash.ts'
import { Recoveries } from './recoveries.ts'
test('B18', async () => {
  const fault: Fault = {
    where: (label, number) => /^write wal\/current\.wal [1-9]/.test(label) && number % 2 === 0,
    effect: { kind: 'cut', bytes: 10_000, errno: 'EIO' },
    times: 'always',
  }
  const lived = await liveOnce(WORKLOADS[0]!, {}, fault)
  console.log(lived.disk.trace.slice(50).filter(l => l.includes(' wal')).slice(0, 20).join('\n'))
})
test('B19', async () => {
  const without = / B19$/
  for (const w of WORKLOADS) {
    const lived = await liveOnce(w, { without })
    const n = lived.disk.trace.length
    try {
    const r = new Recoveries(w.settings)
    await crashKilledOpens(lived, moments(n), { width: 2, depth: 1, options: { without } }, r)
    } catch (e) { console.log((e as Error).message.slice(0, 900)); }
  }
}, 600_000)
