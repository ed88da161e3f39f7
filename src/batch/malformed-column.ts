// Owns what decoding the columns of a file throws.

/** A column that is not as it must be; whoever knows the file says where it is. */
export class MalformedColumn extends Error {
  readonly column: string
  constructor(column: string, why: string, cause?: unknown) {
    super(why, { cause })
    this.column = column
  }
}
