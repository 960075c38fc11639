import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Config, SecretConfig } from '../config/config.ts'
import type { Fault } from '../text/fault.ts'
import { isFwknop, secretFiles } from '../config/secret.ts'
import { readAccessFile } from '../peer/fwknop/authenticator/access-file.ts'
import type { AccessFile } from '../peer/fwknop/authenticator/access-file.ts'
import { faultsOfFile, faultsOfFolder, faultsOfGnupgHome } from '../file/faults.ts'
import { ANYBODYS, CLASSIC, PUBLIC, SECRET } from '../file/policy.ts'
import type { FileFault, FilePolicy } from '../file/policy.ts'
import { PROFILE_FILES } from '../peer/knockknock/profile.ts'

/** A file that holds or names a key or a secret, and its faults. */
export interface FaultyFile {
  readonly path: string
  readonly faults: readonly FileFault[]
}

/** Returns the files of a config, itself included, that the daemon refuses because others can change or read them. */
export function refusedFiles({ file, doors, options }: Config): readonly FaultyFile[] {
  const found = new Map<string, readonly FileFault[]>([[file, faultsOfFile(file, CLASSIC)]])
  for (const { secret } of doors) {
    for (const [path, policy] of filesOf(secret, options.spaKeyFile)) {
      if (!found.has(path)) found.set(path, faultsOfFile(path, policy))
    }
    const { stanzas = [], files = [], folders = [] } = lookAtAccess(secret) ?? {}
    for (const path of files) if (!found.has(path)) found.set(path, faultsOfFile(path, SECRET))
    for (const path of folders) if (!found.has(path)) found.set(path, faultsOfFolder(path))
    const homes = stanzas.flatMap(({ gnupg }) => (gnupg === undefined ? [] : [gnupg.homeDir]))
    for (const home of homes) if (!found.has(home)) found.set(home, faultsOfGnupgHome(home))
  }
  return [...found].flatMap(([path, faults]) => (faults.length === 0 ? [] : [{ path, faults }]))
}

/** Returns {@link refusedFiles} as faults of a check. They are errors, because the daemon refuses these files. */
export function faultsOfFiles(config: Config): readonly Fault[] {
  return refusedFiles(config).flatMap(({ path, faults }) =>
    faults.map(({ message, cure }): Fault => ({
      severity: 'error',
      ...(path === config.file ? {} : { file: path }),
      line: 1,
      column: 1,
      message,
      hint: cure,
    })),
  )
}

type Files = readonly (readonly [path: string, policy: FilePolicy])[]

/** The policy for each use of a file. */
const POLICIES = { list: CLASSIC, secret: SECRET, public: PUBLIC } as const

function filesOf(secret: SecretConfig, spaKeyFile: string): Files {
  return secretFiles(secret, spaKeyFile).flatMap(([path, use]): Files =>
    use === 'profiles' ? profileFiles(path) : [[path, POLICIES[use]]],
  )
}

function profileFiles(folder: string): Files {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .flatMap(({ name }) => Object.values(PROFILE_FILES).map((file) => [join(folder, name, file), SECRET] as const))
  } catch {
    return []
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
