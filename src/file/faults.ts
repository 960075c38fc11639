import { readdirSync } from 'node:fs'
import type { Stats } from 'node:fs'
import { join } from 'node:path'
import { FileError } from './file-error.ts'
import { SECRET, judgeFile } from './policy.ts'
import type { FileFault, FilePolicy } from './policy.ts'
import { walk } from './way.ts'
import type { Way } from './way.ts'

/** Most entries of a folder of keys that are checked. */
const ENTRIES_MAX = 1_024
/** Permission bits of group and others. */
const OTHERS = 0o077
/** Files of keys may be readable by others if their folder is private. Others must not write them. */
const GNUPG_FILE: FilePolicy = { ...SECRET, forbidden: 0o022, complaint: 'others than its owner can change it' }
const FOLDER: FilePolicy = { ...GNUPG_FILE, mode: 'go-w' }
/** The folder of gpg's home folder that has the secret keys. */
const SECRET_KEYS = 'private-keys-v1.d'

/**
 * Returns the faults of a file and of its path, without opening it. A missing file has none. Nor has anything but a
 * regular file: nobody should change the mode of a device.
 */
export function faultsOfFile(path: string, policy: FilePolicy): readonly FileFault[] {
  return faultsOf(path, (stat) => (stat.isFile() ? policy : undefined))
}

/** Returns the faults of a folder and of its path. */
export function faultsOfFolder(path: string): readonly FileFault[] {
  return faultsOf(path, (stat) => (stat.isDirectory() ? FOLDER : undefined))
}

/** @param policyOf returns the policy of a file with these properties; `undefined`: it is not judged */
function faultsOf(path: string, policyOf: (stat: Stats) => FilePolicy | undefined): readonly FileFault[] {
  try {
    const { real, stat, faults } = walk(path)
    const policy = policyOf(stat)
    return policy === undefined ? [] : [...judgeFile(real, stat, policy), ...faults]
  } catch (error) {
    if (error instanceof FileError) return []
    throw error
  }
}

/** Returns the faults of GnuPG's folder (GPG_HOME_DIR). Anyone who can write there decides whose signatures count. */
export function faultsOfGnupgHome(home: string): readonly FileFault[] {
  try {
    const way = walk(home)
    const own = [...judgeFile(way.real, way.stat, { ...GNUPG_FILE, mode: '700' }), ...way.faults]
    const inside = entriesOf(way.real).flatMap((path) => judgeEntry(path, GNUPG_FILE))
    // If nobody else can enter the folder, nobody else can read its files.
    const shut = (way.stat.mode & OTHERS) === 0
    const keys = shut ? [] : entriesOf(join(way.real, SECRET_KEYS)).flatMap((path) => judgeEntry(path, SECRET))
    return [...own, ...inside, ...keys]
  } catch (error) {
    if (error instanceof FileError) return []
    throw error
  }
}

function judgeEntry(path: string, policy: FilePolicy): readonly FileFault[] {
  let way: Way
  try {
    way = walk(path)
  } catch {
    // The link is dangling; gpg's agent may leave one.
    return []
  }
  const { real, stat } = way
  // gpg manages its sockets and locks itself.
  if (!stat.isFile() && !stat.isDirectory()) return []
  const faults = judgeFile(real, stat, stat.isFile() ? policy : FOLDER)
  return faults.map((fault) => Object.assign({}, fault, { message: `${path} in it: ${fault.message}` }))
}

function entriesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .slice(0, ENTRIES_MAX)
      .map((name) => join(folder, name))
  } catch {
    return []
  }
}
