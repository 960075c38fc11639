import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Config, Door, SecretConfig } from '../config/config.ts'
import { generatedList, isFwknop, secretFiles } from '../config/secret.ts'
import { faultsOfFile, faultsOfFolder, faultsOfGnupgHome } from '../file/faults.ts'
import { ANYBODYS, CLASSIC, LIST, PUBLIC, SECRET } from '../file/policy.ts'
import type { FileFault } from '../file/policy.ts'
import type { Entry } from '../text/directive.ts'
import { readAccessFile } from './fwknop/authenticator/access-file.ts'
import type { AccessFile } from './fwknop/authenticator/access-file.ts'
import { fleetFiles } from './fleet-files.ts'
import { PROFILE_FILES } from './knockknock/profile.ts'

/**
 * The use of a file or folder: `file` and `folder` are read, a `list` is marked too, gpg writes to a `gnupg` folder, and
 * new files are put into a `published` one.
 */
export type FileUse = 'file' | 'list' | 'folder' | 'gnupg' | 'published'

/** A file or folder that a config names, or the config itself. */
export interface NamedFile {
  readonly path: string
  readonly use: FileUse
  /** The line of the config that leads to it, from 1. */
  readonly line: number
  /** Returns its faults, judged by the rights of this process. */
  readonly judge: () => readonly FileFault[]
}

/** The policy for each use of a file. */
const POLICIES = { list: LIST, secret: SECRET, public: PUBLIC } as const

/** Returns the files of a config, itself included, that hold or name keys or secrets, and where lists are published. */
export function namedFiles(config: Config): readonly NamedFile[] {
  const { file, doors, options, places } = config
  const found = new Map<string, NamedFile>()
  const add = (one: NamedFile): void => void (found.has(one.path) || found.set(one.path, one))
  add({ path: file, use: 'file', line: 1, judge: () => faultsOfFile(file, CLASSIC) })
  for (const { path, policy } of fleetFiles(options.fleet)) {
    add({ path, use: 'file', line: places.options.fleet?.line ?? 1, judge: () => faultsOfFile(path, policy) })
  }
  for (const door of doors) {
    const lineOf = (path: string): number =>
      lineNaming(path, [places.doors.get(door)?.entries ?? {}, places.options]) ?? door.line
    for (const one of filesOf(door, options.spaKeyFile)) add({ ...one, line: lineOf(one.path) })
    const { stanzas = [], files = [], folders = [] } = lookAtAccess(door.secret) ?? {}
    const line = lineOf('path' in door.secret ? door.secret.path : '')
    for (const path of files) add({ path, use: 'file', line, judge: () => faultsOfFile(path, SECRET) })
    for (const path of folders) add({ path, use: 'folder', line, judge: () => faultsOfFolder(path) })
    for (const { gnupg } of stanzas) {
      if (gnupg === undefined) continue
      const { homeDir: path } = gnupg
      add({ path, use: 'gnupg', line, judge: () => faultsOfGnupgHome(path) })
    }
  }
  return [...found.values()]
}

/** Returns the line of the first directive whose value names a path. */
function lineNaming(path: string, all: readonly Readonly<Record<string, Entry | undefined>>[]): number | undefined {
  return all
    .flatMap((entries) => Object.values(entries))
    .find((entry) => entry?.value?.split(',').some((word) => word.trim() === path) === true)?.line
}

function filesOf({ secret }: Door, spaKeyFile: string): readonly Omit<NamedFile, 'line'>[] {
  const files = secretFiles(secret, spaKeyFile).flatMap(([path, use]): readonly Omit<NamedFile, 'line'>[] => {
    if (use === 'profiles') return profileFiles(path)
    return [{ path, use: use === 'list' ? 'list' : 'file', judge: () => faultsOfFile(path, POLICIES[use]) }]
  })
  const published = generatedList(secret)?.publish?.folder
  // Anybody may read what is published, and who may write there is for the web server to say.
  return published === undefined ? files : [...files, { path: published, use: 'published', judge: () => [] }]
}

function profileFiles(folder: string): readonly Omit<NamedFile, 'line'>[] {
  const own = { path: folder, use: 'folder', judge: () => [] } as const
  try {
    const files = readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .flatMap(({ name }) => Object.values(PROFILE_FILES).map((file) => join(folder, name, file)))
    return [own, ...files.map((path) => ({ path, use: 'file' as const, judge: () => faultsOfFile(path, SECRET) }))]
  } catch {
    return [own]
  }
}

/** Reads a file of fwknop's keys and the files that it includes, without a check of their permissions. */
export function lookAtAccess(secret: SecretConfig): AccessFile | undefined {
  if (!isFwknop(secret)) return undefined
  try {
    return readAccessFile(secret.path, secret.protocol, ANYBODYS)
  } catch {
    // The reason is reported elsewhere.
    return undefined
  }
}
