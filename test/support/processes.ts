// Owns processes whose output goes nowhere.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'

/** Runs a script of JavaScript and leaves once it has printed something; resolves to how it ends. */
export const unread = async (
  script: string,
  words: readonly string[],
): Promise<{ status: number | null; stderr: string }> => {
  const child = spawn(process.execPath, [script, ...words], { stdio: ['ignore', 'pipe', 'pipe'] })
  const stderr = text(child.stderr)
  child.stdout.once('data', () => child.stdout.destroy())
  const [status] = (await once(child, 'close')) as [number | null]
  return { status, stderr: await stderr }
}
