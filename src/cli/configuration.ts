// Owns where the command line looks for a configuration file, and what that, the environment and the flags say together.
import { type Environment, environmentLayer, FILE_VARIABLE } from '../config/environment.ts'
import { type Effective, effective, type Layer } from '../config/layers.ts'
import { hasUserFile } from '../disk/user-file.ts'
import { configLayer } from '../store/open.ts'

/** Read if it is in the working directory, and no other is named. */
const FILE = 'config.toml'

/** What holds for every key, and the file that was read, if there was one. */
export interface Configured {
  readonly file: string | undefined
  readonly entries: readonly Effective[]
}

const fileOf = async (named: string | undefined): Promise<{ file: string | undefined; layer: Layer }> => {
  const file = named ?? FILE
  if (named === undefined && !(await hasUserFile(file))) return { file: undefined, layer: new Map() }
  return { file, layer: await configLayer(file) }
}

/**
 * Defaults < file < environment < flags.
 * @param named the file that a flag names; else `VARVE_CONFIG` does, or `./config.toml` is taken if it is there
 * @throws {DiskError} DISK_MISSING if a file that is named is not there, or `./config.toml` is a link to nowhere
 * @throws {InputError} CONFIG_INVALID
 */
export const configured = async (
  named: string | undefined,
  flags: Layer,
  environment: Environment,
): Promise<Configured> => {
  // An empty variable is one that is not set.
  const { file, layer } = await fileOf(named ?? (environment[FILE_VARIABLE] || undefined))
  return { file, entries: effective([layer, environmentLayer(environment), flags]) }
}
