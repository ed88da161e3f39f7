// Owns what becomes of a command that is told to end: it ends cleanly, and then the process does, with the exit code
// that shells know such an end by.
import { constants } from 'node:os'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Added to the number of a signal. */
const EXIT_SIGNALLED = 128

/**
 * Does `work`, which must not throw before its promise. A signal meanwhile calls `end`; when that is done the process
 * ends, and if it fails, this rejects with why. What becomes of the work is then of no interest. A second signal ends
 * the process at once.
 */
export const endingCleanly = <T>(end: () => Promise<void>, work: () => Promise<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    let isEnding = false
    const detach = (): void => {
      for (const signal of SIGNALS) process.off(signal, listener)
    }
    const listener = (signal: (typeof SIGNALS)[number]): void => {
      detach()
      isEnding = true
      end().then(() => process.exit(EXIT_SIGNALLED + constants.signals[signal]), reject)
    }
    const settle = (outcome: () => void): void => {
      detach()
      if (!isEnding) outcome()
    }
    for (const signal of SIGNALS) process.on(signal, listener)
    work().then(
      result => settle(() => resolve(result)),
      cause => settle(() => reject(cause)),
    )
  })
