// Owns "did you mean": the known name nearest to one that is not known.

/** Longer names are nobody's typing error, and would cost time to compare. */
const LENGTH_MAX = 80

/** How many letters are to be added, left out, replaced or swapped with a neighbour to make `b` of `a`. */
export const distance = (a: string, b: string): number => {
  let before: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let least = Math.min(last[j - 1]! + (same ? 0 : 1), last[j]! + 1, row[j - 1]! + 1)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, before[j - 2]! + 1)
      row.push(least)
    }
    before = last
    last = row
  }
  return last[b.length]!
}

/** What is behind the last dot. */
const lastOf = (name: string): string => name.slice(name.lastIndexOf('.') + 1)

/**
 * The known name nearest to `name`: as a whole, or else by what is behind its last dot. Case does not count.
 * Undefined if none is so near that a third of that last part could be a typing error.
 */
export const nearestTo = (name: string, known: readonly string[]): string | undefined => {
  if (name.length > LENGTH_MAX) return undefined
  const limit = Math.max(1, Math.floor(lastOf(name).length / 3))
  for (const part of [(each: string) => each, lastOf]) {
    const wanted = part(name).toLowerCase()
    const steps = known.map(each => distance(wanted, part(each).toLowerCase()))
    const least = Math.min(...steps)
    if (least <= limit) return known[steps.indexOf(least)]
  }
  return undefined
}

/** The end of a message about an unknown name. */
export const didYouMean = (nearest: string | undefined): string =>
  nearest === undefined ? '' : ` (did you mean ${nearest}?)`
