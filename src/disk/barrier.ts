// Owns the names of the barriers: the syncs, each in its place, that the promises rest on. Every sync says which one it
// is, so that a test can take one away and must then see a promise broken: docs/durability.md#barriers.

/** The name of a barrier. 9 and 11 were found to hold nothing: docs/durability.md#barriers. */
export type Barrier =
  | 'B1'
  | 'B2'
  | 'B3'
  | 'B4'
  | 'B5'
  | 'B6'
  | 'B7'
  | 'B8'
  | 'B10'
  | 'B12'
  | 'B13'
  | 'B14'
  | 'B15'
  | 'B16'
  | 'B17'
  | 'B18'
  | 'B19'
  | 'B20'
  | 'B21'
  | 'B22'

/** What each barrier makes durable, and before what. */
export const BARRIERS: Readonly<Record<Barrier, string>> = {
  B1: 'the log, before what is in it is called durable',
  B2: 'the segment that is to follow, its header and its name, before the active one is sealed',
  B3: 'the name of a new segment, before anything in it is called durable',
  B4: 'the log through a fence, before a batch with that fence is published',
  B5: 'a batch file, before it gets its name',
  B6: 'the name of a batch file, before it is published',
  B7: 'a document, before it takes the place of the old one',
  B8: 'the name of a document, before what it makes unneeded is removed',
  B10: 'the end of the log that an open found, cut where it was torn, before anything is built on it',
  B12: 'the epoch, before the first write under it',
  B13: 'what a new store consists of, before it counts as made',
  B14: '`walStart`, and `upper` with it, before the segments below are removed',
  B15: 'a sealed segment, its end and then its name, before the next one takes `current.wal`',
  B16: 'the listing of a shard, before its document is published',
  B17: 'the reservation of batch ids, before one of them is used',
  B18: 'the cut of a write that failed, before its commits are told that they did not happen',
  B19: 'the names that an open found, before anything is built on them',
  B20: 'every file, when the session before synced none',
  B21: 'the removal of replaced batches, before their ids are forgotten',
  B22: 'evidence in `quarantine/`, before what it shows is changed',
}
