// Owns whole numbers with units, as people write them: `10_000`, `64MiB`, `100ms`.

/** What a number counts. Bytes and times have suffixes, the others are bare. */
export type Unit = 'updates' | 'batches' | 'times' | 'rows' | 'bytes' | 'ms' | 'secs'

const BYTES: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1000,
  mb: 1000 ** 2,
  gb: 1000 ** 3,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
}

const MILLISECONDS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** Suffixes in lower case, and how many of the base unit each is. */
const SUFFIXES: Partial<Readonly<Record<Unit, { base: number; factors: Readonly<Record<string, number>> }>>> =
  {
    bytes: { base: 1, factors: BYTES },
    ms: { base: 1, factors: MILLISECONDS },
    secs: { base: 1000, factors: MILLISECONDS },
  }

/** How a suffix may look, for messages; undefined where there is none. */
export const suffixExample = (unit: Unit): string | undefined => {
  if (SUFFIXES[unit] === undefined) return undefined
  return unit === 'bytes' ? '64MiB, 8KB' : '100ms, 1s, 5m, 1h'
}

/**
 * A number as text, in the unit: bare, or with a suffix in any case. KB is 1,000 bytes, KiB 1,024.
 * Undefined if it is no such text. What is not whole in the unit is returned as a fraction.
 */
export const quantityFrom = (text: string, unit: Unit): number | undefined => {
  const match = /^([0-9]+(?:_[0-9]+)*) ?([A-Za-z]*)$/.exec(text)
  if (match === null) return undefined
  const number = Number(match[1]!.replaceAll('_', ''))
  const suffix = match[2]!.toLowerCase()
  if (suffix === '') return number
  const known = SUFFIXES[unit]
  if (known === undefined || !Object.hasOwn(known.factors, suffix)) return undefined
  return (number * known.factors[suffix]!) / known.base
}
