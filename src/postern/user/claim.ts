import { closeSync, constants, fstatSync, lstatSync, openSync, rmSync } from 'node:fs'
import type { Stats } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Failure } from '../../cli/fault.ts'
import { cannot } from '../../file/file-error.ts'
import { isTrusted } from '../../file/private-group.ts'
import { tryLock } from '../../native/libc.ts'

/** Only the owner may read the new content, until it has the mode of the old one. */
const FILE_MODE = 0o600
/** Longest wait for another command, and the time between two tries, in milliseconds. */
const LOCK_WAIT_MS = 10_000
const LOCK_LOOK_MS = 20

/**
 * The right to replace a file: the lock on the file beside it that becomes its new content. No other user can take this
 * lock and hinder a revocation, as flock(2) needs an open file. It ends with the process. What a killed process left is
 * overwritten.
 */
export interface Claim {
  /** The path without symbolic links of the file to replace. */
  readonly real: string
  /** The path of the new content. */
  readonly passing: string
  /** The new content, open and locked. Its content and mode are those that an earlier process left. */
  readonly fd: number
}

/**
 * Claims files, runs `work`, and ends the claims.
 *
 * @param files their paths without symbolic links
 * @throws Failure if a file cannot be created beside one, or another command holds a claim for too long
 */
export async function withClaims<T>(
  files: Iterable<string>,
  work: (claims: ReadonlyMap<string, Claim>) => Promise<T>,
): Promise<T> {
  const claims = new Map<string, Claim>()
  try {
    // All commands claim in the same order, so that no two wait for each other.
    for (const real of [...new Set(files)].sort()) claims.set(real, await claimOf(real))
    return await work(claims)
  } finally {
    for (const claim of claims.values()) endClaim(claim)
  }
}

/** Claims a file. @throws Failure */
export async function claimOf(real: string): Promise<Claim> {
  const passing = join(dirname(real), `.${basename(real)}.postern-new`)
  const until = performance.now() + LOCK_WAIT_MS
  for (;;) {
    const fd = opened(passing, real)
    const claim = { real, passing, fd }
    const isLocked = tryLock(fd)
    // The one who had it may have renamed or removed it.
    if (isLocked && isInPlace(claim)) return claim
    closeSync(fd)
    if (performance.now() > until)
      throw new Failure(
        `another command is changing ${real}`,
        `try again once it has ended; this shows it: fuser -v ${passing}`,
      )
    if (!isLocked) await pause(LOCK_LOOK_MS)
  }
}

/** Ends a claim, and removes a new content that was not put in place. */
export function endClaim(claim: Claim): void {
  try {
    if (isInPlace(claim)) rmSync(claim.passing)
  } finally {
    closeSync(claim.fd)
  }
}

function opened(passing: string, real: string): number {
  try {
    removeForeign(passing)
    return openSync(passing, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, FILE_MODE)
  } catch (error) {
    throw new Failure(cannot(`write ${real}`, error, { EACCES: 'run this as root' }).message, undefined, error)
  }
}

/**
 * Removes what no command made. In a sticky folder another user may have created it, to keep the new content open or to
 * hold the lock.
 */
function removeForeign(passing: string): void {
  const there = lstatSync(passing, { throwIfNoEntry: false })
  if (there !== undefined && !isCommands(there)) rmSync(passing)
}

function isCommands(stat: Stats): boolean {
  return stat.isFile() && isTrusted(stat.uid) && stat.nlink === 1
}

/** Returns true if the open file of a claim is still a command's, at its path. */
export function isInPlace({ passing, fd }: Claim): boolean {
  const [there, open] = [lstatSync(passing, { throwIfNoEntry: false }), fstatSync(fd)]
  return there?.ino === open.ino && there.dev === open.dev && isCommands(open)
}
