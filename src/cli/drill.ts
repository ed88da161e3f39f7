// Owns `varve drill`: the promises of durability, put to the test where the user can see it.
import { randomInt } from 'node:crypto'
import { KEYS } from '../config/settings.ts'
import { makeTemporaryFolder, removeTemporaryFolder } from '../disk/temporary-folder.ts'
import { drill } from '../drill/drill.ts'
import { InputError } from '../errors.ts'
import { type Call, type Command, JSON_FLAG, keyFlagValue, naturalFlag } from './command.ts'
import { drillLines } from './drill-report.ts'
import { withProgress } from './progress.ts'
import { endingCleanly } from './signals.ts'

const KILLS = 25
const SEED_END = 2 ** 32

const { kind, fallback: MODE } = KEYS.durabilityMode

const killsOf = (call: Call): number => {
  const kills = naturalFlag(call, 'kills') ?? KILLS
  if (kills > 0) return kills
  throw new InputError('SETTING_INVALID', '--kills must be 1 or more', { flag: '--kills', value: kills })
}

const run = async (call: Call): Promise<number> => {
  const { flags, output } = call
  const kills = killsOf(call)
  const mode = keyFlagValue('durabilityMode', 'mode', flags.mode ?? MODE)
  const seed = naturalFlag(call, 'seed') ?? randomInt(SEED_END)
  const folder = await makeTemporaryFolder('varve-drill')
  const leave = async (isKept: boolean): Promise<void> => {
    if (isKept) output.note(`The store is kept in ${folder}`)
    else await removeTemporaryFolder(folder)
  }
  const interruption = new AbortController()
  const { signal } = interruption
  const drilling = withProgress('killing', progress => drill({ folder, kills, mode, seed, signal, progress }))
  const end = async (): Promise<void> => {
    interruption.abort()
    await drilling.catch(() => {})
    await leave(flags.keep === true)
  }
  return endingCleanly(end, async () => {
    try {
      const report = await drilling
      if (flags.json) output.print(JSON.stringify(report))
      else for (const line of drillLines(report)) output.print(line)
      await leave(flags.keep === true || !report.kept)
      return report.kept ? 0 : 1
    } catch (cause) {
      // Whatever kept the store from being opened is in it.
      if (!signal.aborted) await leave(true)
      throw cause
    }
  })
}

export const drillCommand: Command = {
  name: 'drill',
  positionals: [],
  summary: 'Kills writers of a temporary store, one after the other, and checks that every promise is kept.',
  flags: {
    kills: { value: 'N', summary: `how often [${KILLS}]` },
    mode: {
      value: kind.type === 'choice' ? kind.choices.join('|') : '',
      summary: `durability mode of the writers [${MODE}]`,
    },
    seed: { value: 'S', summary: 'chooses the moments, as nearly as a machine repeats itself [random]' },
    keep: { summary: 'keep the store [removed, unless a promise is broken]; $TMPDIR says where it is' },
    ...JSON_FLAG,
  },
  run,
}
