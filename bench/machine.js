// Owns what a reader has to know of the machine and of who takes part, and nothing that would tell whose it is.
import { readFileSync, statfsSync } from 'node:fs'
import { arch, cpus, platform, release, totalmem } from 'node:os'

/** Magic numbers of Linux. */
const FILE_SYSTEMS = new Map([
  [0xef53, 'ext4'],
  [0x9123683e, 'btrfs'],
  [0x58465342, 'xfs'],
  [0x794c7630, 'overlayfs'],
  [0x01021994, 'tmpfs (a sync costs nothing there)'],
])

/** @param {string} folder where the data goes */
export const describeMachine = folder => ({
  cpu: cpus()[0].model.trim(),
  cores: cpus().length,
  memoryGib: Math.round(totalmem() / 2 ** 30),
  system: `${platform()} ${release().split('-')[0]} ${arch()}`,
  node: process.version,
  fileSystem: FILE_SYSTEMS.get(statfsSync(folder).type) ?? 'unknown',
})

const manifest = path => JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'))

/** Versions of all that are measured, by name. */
export const versions = () => ({
  varve: manifest('../package.json').version,
  ...manifest('./package.json').dependencies,
})
