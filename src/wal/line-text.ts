// Owns what the encoder of the common lines of the log writes around values and the parser of them expects there.
// What the lines are: docs/format.md#log.

/** The bytes of a text in ASCII. */
export const ascii = (text: string): Uint8Array => Uint8Array.from(text, character => character.charCodeAt(0))

export const LSN: Uint8Array = ascii('{"lsn":')
export const DURABLE: Uint8Array = ascii(',"durable":')
export const AT: Uint8Array = ascii(',"at":')
export const TIME: Uint8Array = ascii(',"time":')
export const DIFF: Uint8Array = ascii(',"diff":')
export const NULL: Uint8Array = ascii('null')
export const TRUE: Uint8Array = ascii('true')
export const FALSE: Uint8Array = ascii('false')
