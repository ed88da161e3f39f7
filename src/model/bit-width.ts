// Owns how many bits a whole number needs.

/** Of an unsigned integer below 2^64. */
export const bitWidth = (value: number): number =>
  value < 2 ** 32 ? 32 - Math.clz32(value) : 64 - Math.clz32(value / 2 ** 32)
