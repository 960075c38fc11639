import { lstatSync, readFileSync, readdirSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Status } from '../../control/message.ts'
import { VERSION } from '../../version.ts'
import { REMEDIES } from '../../remedy/remedies.ts'
import type { Remedy } from '../../remedy/remedies.ts'
import type { Finding } from './finding.ts'

/** The folder with dist, node_modules and package.json of this program. */
const PACKAGE = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '')
/** The folders of the package that hold programs, and the most files that are checked in them. */
const RUN_FOLDERS = ['dist', 'node_modules']
const FILES_MAX = 20_000
const USERS_FILE = '/etc/passwd'
/** Permission bits (`<sys/stat.h>`). */
const GROUP_WRITE = 0o020
const OTHERS_WRITE = 0o002
/** The permission bit of folders in which users cannot remove the files of others. */
const STICKY = 0o1000

/** The owner, group and mode of a file or folder. */
export interface Owned {
  readonly uid: number
  readonly gid: number
  readonly mode: number
}

/** The paths of an installation, which root runs. */
export interface Installation {
  readonly folder: string
  readonly files: readonly string[]
  /** The path of node. */
  readonly interpreter: string
}

/** Returns the installation of this program. Symbolic links are followed, because their targets are run. */
export function thisInstallation(): Installation {
  const folder = realOf(PACKAGE)
  const files = RUN_FOLDERS.flatMap((name) => filesBelow(join(folder, name))).slice(0, FILES_MAX)
  return { folder, files: [join(folder, 'package.json'), ...files], interpreter: realOf(process.execPath) }
}

/** Returns the installation of a daemon; `undefined` if it is unknown. */
export function installationOf({ pid, program }: Pick<Status, 'pid' | 'program'>): Installation | undefined {
  try {
    const file = realpathSync(program)
    return { folder: dirname(dirname(dirname(file))), files: [file], interpreter: realpathSync(`/proc/${pid}/exe`) }
  } catch {
    return undefined
  }
}

/**
 * Finds programs that root runs and other users can change: files of the package, node, or a folder above them. Only
 * the topmost such path is reported, because everything below it can be replaced.
 */
export function judgeInstallation(
  { folder, files, interpreter }: Installation,
  look: (path: string) => Owned | undefined = ownedOf,
): readonly Finding[] {
  // Hardly any file has a folder of its own: each path is looked at once.
  const known = new Map<string, Writable | undefined>()
  const topmost = (path: string): Writable | undefined => {
    if (!known.has(path)) {
      const parent = dirname(path)
      known.set(path, (parent === path ? undefined : topmost(parent)) ?? writable(path, look(path)))
    }
    return known.get(path)
  }
  const copy = REMEDIES.installCopy(folder, VERSION)
  const program = files.map(topmost).find((found) => found !== undefined)
  const node = topmost(interpreter)
  const findings = program === undefined ? [] : [finding(program, copy)]
  if (node === undefined || files.some((file) => topmost(file) === node)) return findings
  return [...findings, finding(node, REMEDIES.installNode(interpreter))]
}

/** A path that somebody beside root can write to. */
interface Writable {
  readonly path: string
  readonly who: string
  readonly owned: Owned
}

function writable(path: string, owned: Owned | undefined): Writable | undefined {
  const who = writerOf(owned)
  return who === undefined ? undefined : { path, who, owned: owned! }
}

function finding({ path, who, owned }: Writable, copy: Remedy): Finding {
  const message = `root runs what is at ${path}, and ${who} can change it (mode ${(owned.mode & 0o7777).toString(8)})`
  // A wrong mode can be fixed in place.
  const fix = owned.uid === 0 ? REMEDIES.mode('go-w', path) : copy
  return { severity: 'warning', subject: 'installation', message, fix }
}

/** Returns the user or group beside root that can write to a path; `undefined` if only root can. */
function writerOf(owned: Owned | undefined): string | undefined {
  if (owned === undefined) return undefined
  if (owned.uid !== 0) return nameOf(owned.uid)
  if ((owned.mode & STICKY) !== 0) return undefined
  if ((owned.mode & OTHERS_WRITE) !== 0) return 'everybody'
  return (owned.mode & GROUP_WRITE) !== 0 && owned.gid !== 0 ? `group ${owned.gid}` : undefined
}

function filesBelow(folder: string): readonly string[] {
  try {
    const entries = readdirSync(realpathSync(folder), { withFileTypes: true, recursive: true })
    // The target of a symbolic link is what is run.
    return entries.map((entry) => {
      const path = join(entry.parentPath, entry.name)
      return entry.isSymbolicLink() ? realOf(path) : path
    })
  } catch {
    return []
  }
}

function realOf(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}

function nameOf(uid: number): string {
  try {
    const line = readFileSync(USERS_FILE, 'latin1')
      .split('\n')
      .find((each) => each.split(':')[2] === String(uid))
    return line === undefined ? `user ${uid}` : line.split(':', 1)[0]!
  } catch {
    return `user ${uid}`
  }
}

function ownedOf(path: string): Owned | undefined {
  try {
    const { uid, gid, mode } = lstatSync(path)
    return { uid, gid, mode: mode & 0o7777 }
  } catch {
    return undefined
  }
}
