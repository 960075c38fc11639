import { REMEDIES } from '../remedy/remedies.ts'
import type { Remedy } from '../remedy/remedies.ts'
import { isDaemonGroup, isPrivateGroup, isTrusted } from './private-group.ts'

/** The permissions that others must not have on a file, and the fix. */
export interface FilePolicy {
  /** Permission bits that a file of this kind must not have. */
  readonly forbidden: number
  readonly complaint: string
  /** The mode that chmod(1) should set. */
  readonly mode: string
  /** Permission bits that the group of the daemon's `User` may have on a file of root's, and the mode with them. */
  readonly shared?: { readonly bits: number; readonly mode: string }
}

const OTHERS = 0o077
const GROUP_READ = 0o040
const OTHERS_WRITE = 0o022
const GROUP_WRITE = 0o020
/** The sticky bit (chmod(1)): others may create files in the folder, but not remove or replace those of other users. */
const STICKY = 0o1000

/** Folders that everybody must be able to write. Their fix is the sticky bit. */
const SHARED: ReadonlySet<string> = new Set(['/tmp', '/var/tmp', '/dev/shm', '/run/lock'])

const CHANGED = 'others than its owner can change it'

/** The policy for files of secrets: nobody else may read or write them. */
export const SECRET: FilePolicy = {
  forbidden: OTHERS,
  complaint: 'others than its owner can read or write it',
  mode: '600',
  shared: { bits: GROUP_READ, mode: '640' },
}

/** The policy for knockd's files with sequences. Like knockd, it accepts files that others can read, but not write. */
export const CLASSIC: FilePolicy = { forbidden: OTHERS_WRITE, complaint: CHANGED, mode: '600' }

const SHARED_LIST = { bits: GROUP_READ | GROUP_WRITE, mode: '660' }

/** The policy for one-time lists, which the daemon marks. */
export const LIST: FilePolicy = { ...CLASSIC, shared: SHARED_LIST }

/** The policy for one-time lists that nobody else reads. */
export const SECRET_LIST: FilePolicy = { ...SECRET, shared: SHARED_LIST }

/** The policy for files that name keys, or say how they are used. Others may read them. */
export const PUBLIC: FilePolicy = { forbidden: OTHERS_WRITE, complaint: CHANGED, mode: '644' }

/** The policy for files that anybody may have written. Their content is not trusted by itself. */
export const ANYBODYS: FilePolicy = { forbidden: 0, complaint: '', mode: '' }

/** The properties of a file, folder or symbolic link by stat(2). */
export interface FileStat {
  /** Permission bits; a real file also has its type bits. */
  readonly mode: number
  readonly uid: number
  readonly gid?: number
}

/** A fault of a file or of its path (lower case, no full stop), and the fix. */
export type FileFault = { readonly message: string } & (
  | { readonly cure: Remedy; readonly byHand?: false }
  /** A fix that needs a person's decision. */
  | { readonly cure: string; readonly byHand: true }
)

/** Returns the faults of the file itself. A group with nobody else in it may write a file without secrets. */
export function judgeFile(path: string, stat: FileStat, policy: FilePolicy): readonly FileFault[] {
  const { mode, uid, gid } = stat
  if (policy.forbidden === 0) return []
  const faults: FileFault[] = []
  if (!isTrusted(uid)) {
    faults.push({ message: `belongs to another user (uid ${uid})`, cure: REMEDIES.owner(ownUser(), path) })
  }
  const others = mode & policy.forbidden
  if (others !== 0 && !isHarmless(others, stat, policy)) {
    const message = `${policy.complaint} (mode ${octal(mode)})`
    const isShared = policy.shared !== undefined && uid === 0 && gid !== undefined && isDaemonGroup(gid)
    faults.push({ message, cure: REMEDIES.mode(isShared ? policy.shared.mode : policy.mode, path) })
  }
  return faults
}

/** Returns true if forbidden bits let nobody in but trusted users, or the `User` of the daemon to what root shares with it. */
function isHarmless(others: number, { uid, gid }: FileStat, policy: FilePolicy): boolean {
  if (gid === undefined) return false
  // Looking up groups takes longer than all other checks, so it is done only if it matters.
  if (policy !== SECRET && others === GROUP_WRITE && isPrivateGroup(gid)) return true
  const { bits = 0 } = policy.shared ?? {}
  return uid === 0 && (others & ~bits) === 0 && isDaemonGroup(gid)
}

/** Returns the fault of a folder on the path. Anyone who can write the folder can replace files in it. */
export function judgeFolder(folder: string, { mode, uid, gid }: FileStat): FileFault | undefined {
  if (!isTrusted(uid)) {
    return {
      message: `its folder ${folder} belongs to another user (uid ${uid}), who can replace it`,
      cure: `move it to a folder that ${ownUser()} owns, and use the new path`,
      byHand: true,
    }
  }
  const shared = (mode & STICKY) === 0 ? mode & OTHERS_WRITE : 0
  const writers =
    (shared & GROUP_WRITE) !== 0 && gid !== undefined && isPrivateGroup(gid) ? shared & ~GROUP_WRITE : shared
  if (writers === 0) return undefined
  return {
    message: `others can write its folder ${folder}, and so replace it (mode ${octal(mode)})`,
    cure: REMEDIES.mode(SHARED.has(folder) ? '+t' : 'go-w', folder),
  }
}

/** Returns the fault of a symbolic link on the path. Its owner decides where it leads. */
export function judgeLink(link: string, { uid }: FileStat): FileFault | undefined {
  if (isTrusted(uid)) return undefined
  return {
    message: `the symbolic link ${link} on the way to it belongs to another user (uid ${uid})`,
    cure: REMEDIES.linkOwner(ownUser(), link),
  }
}

/** Returns the proper owner of files, as chown(1) takes it. */
function ownUser(): string {
  const user = process.geteuid?.() ?? 0
  return user === 0 ? 'root' : String(user)
}

function octal(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, '0')
}
