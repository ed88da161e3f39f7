// Owns the numbers of Parquet's encodings.

/** https://github.com/apache/parquet-format/blob/master/Encodings.md */
export const Encoding = {
  plain: 0,
  /** What {@link Encoding.rleDictionary} was called at first. */
  plainDictionary: 2,
  rle: 3,
  delta: 5,
  deltaLength: 6,
  deltaStrings: 7,
  rleDictionary: 8,
} as const
export type Encoding = (typeof Encoding)[keyof typeof Encoding]
