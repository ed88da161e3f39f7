// Owns what counts as an object of named members, and not as a value with a class of its own.

/** Whether `given` is `{…}`, and no list, map, date or instance of a class. */
export const isPlainObject = (given: unknown): given is Readonly<Record<string, unknown>> => {
  if (typeof given !== 'object' || given === null) return false
  const prototype: unknown = Object.getPrototypeOf(given)
  return prototype === Object.prototype || prototype === null
}
