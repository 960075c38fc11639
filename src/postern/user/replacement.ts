import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  lstatSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import type { BigIntStats } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { Failure } from '../../cli/fault.ts'
import { FileError, cannot } from '../../file/file-error.ts'
import type { FileOwner } from '../../file/owner.ts'
import type { FilePolicy } from '../../file/policy.ts'
import { openPrivate, readOpened, readPrivateFile } from '../../file/private-file.ts'
import { walk } from '../../file/way.ts'
import { realDisk } from '../../state/disk.ts'
import { isInPlace } from './claim.ts'
import type { Claim } from './claim.ts'

/** Only the owner may read the content while it is written. */
const PASSING_MODE = 0o600
const MODE_BITS = 0o7777n
const HINTS: Readonly<Record<string, string>> = {
  EACCES: 'run this as root',
  EPERM: 'run this as root',
  EBUSY: 'the file is a mount of its own: mount its folder in its place',
}

/** The calls that change files. Tests replace them, to end the process at each one. */
export const CALLS = {
  fchmodSync,
  ftruncateSync,
  writeFileSync,
  fchownSync,
  fsyncSync,
  renameSync,
  rmSync,
  syncFolder: async (folder: string): Promise<void> => await realDisk.syncFolder(folder),
}
export type Calls = typeof CALLS

/** The reader's bounds for a file. */
export interface Bounds {
  readonly policy: FilePolicy
  readonly maxBytes: number
}

/** A file as it was read. */
export interface Original {
  /** The path as the config has it. */
  readonly path: string
  /** The path without symbolic links. */
  readonly real: string
  readonly bytes: Buffer
  /** `undefined`: there is no file. */
  readonly stat: BigIntStats | undefined
}

/** A file and its new content. */
export interface Replacement {
  readonly claim: Claim
  readonly original: Original
  readonly bytes: Buffer
  readonly bounds: Bounds
  /** Returns the owner of a file that was missing. An existing one keeps its owner and mode. */
  readonly owner: () => FileOwner
}

/** Reads a file as the daemon does. A file that is missing is empty. @throws FileError */
export function readOriginal(path: string, { policy, maxBytes }: Bounds): Original {
  try {
    const fd = openPrivate(path, constants.O_RDONLY, policy)
    try {
      const stat = fstatSync(fd, { bigint: true })
      return { path, real: walk(path).real, stat, bytes: readOpened(fd, path, maxBytes) }
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    if (!(error instanceof FileError) || error.reason !== 'missing') throw error
    return { path, real: realPath(path), stat: undefined, bytes: Buffer.alloc(0) }
  }
}

/** Returns the path without symbolic links, also of a file that is missing. @throws FileError if a link leads nowhere */
export function realPath(path: string): string {
  try {
    return walk(path).real
  } catch (error) {
    if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true) {
      throw new FileError(path, 'missing', 'is a symbolic link to a file that is missing', 'remove the link', error)
    }
    return join(walk(dirname(path)).real, basename(path))
  }
}

/**
 * Replaces files. Each is whole at every moment, and after a power cut: the new content is written beside the old one,
 * read back as the daemon reads it, and renamed. If one cannot be replaced, those before it get their old content back.
 *
 * @returns the reasons why files that were replaced may not survive a power cut
 * @throws Failure or FileError; nothing has changed then
 */
export async function replaceAll(all: readonly Replacement[], calls: Calls = CALLS): Promise<readonly string[]> {
  for (const each of all) stage(each, calls)
  for (const { claim, original } of all) refuseChanged(claim, original)
  putAll(all, calls)
  const doubts: string[] = []
  for (const folder of new Set(all.map(({ original }) => dirname(original.real)))) {
    await calls.syncFolder(folder).catch((error: unknown) => {
      doubts.push(cannot(`make the change in ${folder} safe against a power cut`, error).message)
    })
  }
  return doubts
}

/** Writes the new content beside the file, with the file's owner, group and mode, and reads it back. */
function stage({ claim: { fd, passing }, original, bytes, bounds, owner }: Replacement, calls: Calls): void {
  const { path, stat } = original
  const { uid, gid, mode } = stat === undefined ? owner() : ownerOf(stat)
  try {
    const made = fstatSync(fd)
    calls.fchmodSync(fd, PASSING_MODE)
    calls.ftruncateSync(fd)
    if (uid !== made.uid || gid !== made.gid) calls.fchownSync(fd, uid, gid)
    calls.writeFileSync(fd, bytes)
    calls.fchmodSync(fd, mode)
    calls.fsyncSync(fd)
  } catch (error) {
    throw new Failure(cannot(`write ${path}`, error, HINTS).message, undefined, error)
  }
  // The mode was read under this policy, or is the one of new files.
  const policy = { ...bounds.policy, forbidden: bounds.policy.forbidden & ~mode }
  if (!readPrivateFile(passing, bounds.maxBytes, policy).equals(bytes)) {
    throw new Failure(`cannot write ${path}: the disk returns other bytes`)
  }
}

function ownerOf({ uid, gid, mode }: BigIntStats): Omit<FileOwner, 'text'> {
  return { uid: Number(uid), gid: Number(gid), mode: Number(mode & MODE_BITS) }
}

/** @throws Failure if the file, or the new content, is another one than that which was read or written */
function refuseChanged(claim: Claim, { path, real, stat }: Original): void {
  const now = statSync(real, { bigint: true, throwIfNoEntry: false })
  const keys = ['dev', 'ino', 'size', 'mtimeNs', 'ctimeNs'] as const
  if (isInPlace(claim) && keys.every((key) => now?.[key] === stat?.[key])) return
  throw new Failure(`${path} was changed meanwhile`, 'run this again')
}

/** Renames the new contents. If that fails, those that were renamed are undone. @throws Failure */
function putAll(all: readonly Replacement[], calls: Calls): void {
  for (const [index, { claim, original }] of all.entries()) {
    try {
      calls.renameSync(claim.passing, claim.real)
    } catch (error) {
      for (const done of all.slice(0, index)) undo(done, calls)
      throw new Failure(cannot(`write ${original.path}`, error, HINTS).message, undefined, error)
    }
  }
}

/** Puts the old content back. The claim of a file ends when its new content is in place, so the name is another. */
function undo(done: Replacement, calls: Calls): void {
  const { original } = done
  const { real, stat, bytes } = original
  if (stat === undefined) {
    calls.rmSync(real, { force: true })
    return
  }
  const passing = `${real}.postern-old`
  calls.rmSync(passing, { force: true })
  const fd = openSync(passing, 'wx', PASSING_MODE)
  try {
    stage({ ...done, claim: { real, passing, fd }, bytes }, calls)
    calls.renameSync(passing, real)
  } finally {
    closeSync(fd)
  }
}
