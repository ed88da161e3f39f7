// Owns what to do while the store has no `append`, `arrays` and `lookup`. To be removed when it has: then varve.js calls
// them itself.

export const append = async (store, shard, { columns, diff, time }, from, to) => {
  const sameTime = time[from] === time[to - 1]
  if (store.append !== undefined)
    return store.append(shard, {
      data: columns.map(column =>
        Array.isArray(column) ? column.slice(from, to) : column.subarray(from, to),
      ),
      time: sameTime ? time[from] : time.subarray(from, to),
      diff: diff.subarray(from, to),
    })
  const updates = []
  for (let index = from; index < to; index++)
    updates.push({
      shard,
      data: columns.map(column => column[index]),
      diff: diff[index],
      time: time[index],
    })
  return store.commit(updates)
}

export async function* arrays(snapshot, shard) {
  if (snapshot.arrays !== undefined) {
    yield* snapshot.arrays(shard)
    return
  }
  for await (const table of snapshot.tables(shard))
    for (const batch of table.batches) {
      const columns = batch.data.children.map((child, at) =>
        child.values instanceof BigInt64Array || child.valueOffsets !== undefined
          ? Array.from(batch.getChildAt(at), value => (typeof value === 'bigint' ? Number(value) : value))
          : child.values,
      )
      const diff = columns.pop()
      yield { data: columns, diff, length: batch.numRows }
    }
}

export const lookup = async (snapshot, shard, prefix) => {
  if (snapshot.lookup !== undefined) return snapshot.lookup(shard, prefix)
  const rows = []
  for await (const row of snapshot.rows(shard, { where: { col0: prefix[0] } })) rows.push(row)
  return rows
}
