import { REMEDIES } from '../remedy/remedies.ts'
import type { Remedy } from '../remedy/remedies.ts'

/** What others than its owner may not do with a file, and what puts it right. */
export interface FilePolicy {
  /** Permission bits that a file of this kind must not have. */
  readonly forbidden: number
  readonly complaint: string
  /** The mode that chmod(1) is to set. */
  readonly mode: string
}

const OTHERS = 0o077
const OTHERS_WRITE = 0o022
const GROUP_WRITE = 0o020
/** Others may make files in such a folder, but take away or replace none of somebody else's (chmod(1)). */
const STICKY = 0o1000

/** Folders that everybody has to be able to write: sticky is what they lack. */
const SHARED: ReadonlySet<string> = new Set(['/tmp', '/var/tmp', '/dev/shm', '/run/lock'])

const CHANGED = 'others than its owner can change it'

/** Files of secrets: nobody else may read or write them. */
export const SECRET: FilePolicy = {
  forbidden: OTHERS,
  complaint: 'others than its owner can read or write it',
  mode: '600',
}

/** Files that knockd knows too, with sequences: it takes them whoever can read them, so only who can write them counts. */
export const CLASSIC: FilePolicy = { forbidden: OTHERS_WRITE, complaint: CHANGED, mode: '600' }

/** Files that name keys, or say what is done with them: others may read them. */
export const PUBLIC: FilePolicy = { forbidden: OTHERS_WRITE, complaint: CHANGED, mode: '644' }

/** Files that anybody may have written: what is in them counts for nothing by itself. */
export const ANYBODYS: FilePolicy = { forbidden: 0, complaint: '', mode: '' }

/** What stat(2) says of a file, a folder or a symbolic link. */
export interface FileStat {
  /** Permission bits and, in a real one, those of the type. */
  readonly mode: number
  readonly uid: number
  readonly gid?: number
}

/** What is wrong with a file or with the way to it: lower case, no full stop; and what puts it right. */
export type FileFault = { readonly message: string } & (
  | { readonly cure: Remedy; readonly byHand?: false }
  /** What a person has to decide. */
  | { readonly cure: string; readonly byHand: true }
)

/** Whom files may belong to: root, and the user that the process runs as. */
export function isTrusted(uid: number): boolean {
  return uid === 0 || uid === process.geteuid?.()
}

/**
 * What is wrong with the file itself.
 *
 * @param isPrivate whether nobody else is in a group: then what the group may do with a file that holds no secret, its owner does
 */
export function judgeFile(
  path: string,
  { mode, uid, gid }: FileStat,
  policy: FilePolicy,
  isPrivate: (gid: number) => boolean,
): readonly FileFault[] {
  if (policy.forbidden === 0) return []
  const faults: FileFault[] = []
  if (!isTrusted(uid)) {
    faults.push({ message: `belongs to another user (uid ${uid})`, cure: REMEDIES.owner(ownUser(), path) })
  }
  const shared = mode & policy.forbidden
  const harmless = policy !== SECRET && shared === GROUP_WRITE && gid !== undefined && isPrivate(gid)
  if (shared !== 0 && !harmless) {
    faults.push({
      message: `${policy.complaint} (mode ${octal(mode)})`,
      cure: REMEDIES.mode(policy.mode, path),
    })
  }
  return faults
}

/** What is wrong with a folder on the way: whoever can write it can put another file in the place of any in it. */
export function judgeFolder(
  folder: string,
  { mode, uid, gid }: FileStat,
  isPrivate: (gid: number) => boolean,
): FileFault | undefined {
  if (!isTrusted(uid)) {
    return {
      message: `its folder ${folder} belongs to another user (uid ${uid}), who can replace it`,
      cure: `move it to a folder of ${ownUser()}'s own, and name it there`,
      byHand: true,
    }
  }
  const shared = (mode & STICKY) === 0 ? mode & OTHERS_WRITE : 0
  // Looking groups up takes longer than all the rest: only where it matters.
  const writers = (shared & GROUP_WRITE) !== 0 && gid !== undefined && isPrivate(gid) ? shared & ~GROUP_WRITE : shared
  if (writers === 0) return undefined
  return {
    message: `others can write its folder ${folder}, and so replace it (mode ${octal(mode)})`,
    cure: REMEDIES.mode(SHARED.has(folder) ? '+t' : 'go-w', folder),
  }
}

/** What is wrong with a symbolic link on the way: whoever made it says where it leads. */
export function judgeLink(link: string, { uid }: FileStat): FileFault | undefined {
  if (isTrusted(uid)) return undefined
  return {
    message: `the symbolic link ${link} on the way to it belongs to another user (uid ${uid})`,
    cure: REMEDIES.linkOwner(ownUser(), link),
  }
}

/** The user whom files should belong to, as chown(1) takes it. */
function ownUser(): string {
  const user = process.geteuid?.() ?? 0
  return user === 0 ? 'root' : String(user)
}

function octal(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, '0')
}
