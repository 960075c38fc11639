import { lstatSync, readFileSync, readdirSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Status } from '../../control/message.ts'
import { VERSION } from '../../version.ts'
import { REMEDIES } from '../../remedy/remedies.ts'
import type { Remedy } from '../../remedy/remedies.ts'
import type { Finding } from './finding.ts'

/** The folder that holds dist, node_modules and package.json of what runs here. */
const PACKAGE = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '')
/** Folders of the package with what is run, and files that are looked at in them at most. */
const RUN_FOLDERS = ['dist', 'node_modules']
const FILES_MAX = 20_000
const USERS_FILE = '/etc/passwd'
/** Permission bits (`<sys/stat.h>`). */
const GROUP_WRITE = 0o020
const OTHERS_WRITE = 0o002
/** Others may add files there, but take away none of somebody else's. */
const STICKY = 0o1000

/** Who a file or folder belongs to, and who may write it. */
export interface Owned {
  readonly uid: number
  readonly gid: number
  readonly mode: number
}

/** What root runs, by path. */
export interface Installation {
  /** Of the package that the programs are in. */
  readonly folder: string
  readonly files: readonly string[]
  /** The program that runs them: node. */
  readonly interpreter: string
}

/** The installation that this program is of. Its links are followed: what they lead to is run. */
export function thisInstallation(): Installation {
  const folder = realOf(PACKAGE)
  const files = RUN_FOLDERS.flatMap((name) => filesBelow(join(folder, name))).slice(0, FILES_MAX)
  return { folder, files: [join(folder, 'package.json'), ...files], interpreter: realOf(process.execPath) }
}

/** The installation that a daemon is of; `undefined`: that cannot be told. */
export function installationOf({ pid, program }: Pick<Status, 'pid' | 'program'>): Installation | undefined {
  try {
    const file = realpathSync(program)
    return { folder: dirname(dirname(dirname(file))), files: [file], interpreter: realpathSync(`/proc/${pid}/exe`) }
  } catch {
    return undefined
  }
}

/**
 * What root runs, and somebody else can change: the programs, what they load, node, or a folder above one of these. The first
 * that is so from the top is told, as what is below it can be replaced with it.
 */
export function judgeInstallation(
  { folder, files, interpreter }: Installation,
  look: (path: string) => Owned | undefined = ownedOf,
): readonly Finding[] {
  const known = new Map<string, string | undefined>()
  const who = (path: string): string | undefined => {
    if (!known.has(path)) known.set(path, writerOf(look(path)))
    return known.get(path)
  }
  const copy = REMEDIES.installCopy(folder, VERSION)
  const paths = new Set(files.map((file) => above(file).find((path) => who(path) !== undefined)))
  const findings = [...paths].flatMap((path): readonly Finding[] =>
    path === undefined ? [] : [finding(path, who(path)!, look(path), copy)],
  )
  const node = above(interpreter).find((path) => who(path) !== undefined)
  if (node === undefined || paths.has(node)) return findings.slice(0, 1)
  const another = REMEDIES.installNode(interpreter)
  return [...findings.slice(0, 1), finding(node, who(node)!, look(node), another)]
}

function finding(path: string, who: string, owned: Owned | undefined, copy: Remedy): Finding {
  const message = `root runs what is at ${path}, and ${who} can change it (mode ${((owned?.mode ?? 0) & 0o7777).toString(8)})`
  // Where only the mode is wrong, that can be put right in place.
  const mend = owned?.uid === 0 ? REMEDIES.mode('go-w', path) : copy
  return { severity: 'warning', subject: 'installation', message, mend }
}

/** Who but root can write there, or put something else in its place; `undefined`: nobody. */
function writerOf(owned: Owned | undefined): string | undefined {
  if (owned === undefined) return undefined
  if (owned.uid !== 0) return nameOf(owned.uid)
  if ((owned.mode & STICKY) !== 0) return undefined
  if ((owned.mode & OTHERS_WRITE) !== 0) return 'everybody'
  return (owned.mode & GROUP_WRITE) !== 0 && owned.gid !== 0 ? `group ${owned.gid}` : undefined
}

/** A path and the folders above it, from the top. */
function above(path: string): readonly string[] {
  const paths = [path]
  while (paths[0] !== dirname(paths[0]!)) paths.unshift(dirname(paths[0]!))
  return paths
}

function filesBelow(folder: string): readonly string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true, recursive: true })
    // A link may lead anywhere: what it leads to is what is run.
    return entries.map((entry) => realOf(join(entry.parentPath, entry.name)))
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
