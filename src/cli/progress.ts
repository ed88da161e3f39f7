// Owns the progress bar of long work: on a terminal, after a second, and gone when the work ends, however it ends.
import type { SingleBar } from 'cli-progress'

/** Told how far the work has come, in whatever the total counts. */
export type Progress = (done: number, total: number) => void

/** Where a bar is drawn, and by which clock. */
export interface Surface {
  /** Nothing is drawn where it is no terminal. */
  readonly stream: NodeJS.WritableStream
  /** In ms. */
  readonly now: () => number
  /** Whether the terminal belongs to something else, and nothing is drawn. @default false */
  readonly taken?: boolean
}

/** Work that ends sooner needs no bar. */
const QUIET_MS = 1000

export const STANDARD_ERROR: Surface = { stream: process.stderr, now: Date.now }

/** Standard error, unless the rows that go to `output` are on a terminal, which the bar would be drawn into. */
export const surfaceBeside = (output: { readonly isTTY?: boolean }): Surface => ({
  ...STANDARD_ERROR,
  taken: output.isTTY === true,
})

/** A bar that is not drawn yet. The library is loaded only where there is a terminal to draw on. */
const loadBar = async (what: string, stream: NodeJS.WritableStream): Promise<SingleBar> => {
  const { default: cliProgress } = await import('cli-progress')
  return new cliProgress.SingleBar({
    format: `${what} [{bar}] {percentage}% | {value} of {total} | {eta_formatted} left`,
    stream,
    clearOnComplete: true,
    barsize: 24, // With the longest text it fits 80 columns.
    linewrap: true, // Trims the bar to the terminal; false would change the terminal's own setting.
  })
}

/**
 * Does `work`, which tells how far it is, and shows that as a bar.
 * @param what stands before the bar: `importing`
 * @param surface the default is standard error
 */
export const withProgress = async <T>(
  what: string,
  work: (progress: Progress) => Promise<T>,
  { stream, now, taken = false }: Surface = STANDARD_ERROR,
): Promise<T> => {
  const isTerminal = (stream as { readonly isTTY?: boolean }).isTTY === true
  const bar = taken || !isTerminal ? undefined : await loadBar(what, stream)
  const start = now()
  let shown = false
  try {
    return await work((done, total) => {
      if (shown) {
        bar?.setTotal(total)
        bar?.update(done)
      } else if (now() - start > QUIET_MS) {
        bar?.start(total, done)
        shown = true
      }
    })
  } finally {
    bar?.stop()
  }
}
