import { closeSync, constants, openSync, readdirSync, statSync } from 'node:fs'
import type { Stats } from 'node:fs'
import { dirname } from 'node:path'
import type { Account } from '../file/account.ts'
import { reasonOf } from '../file/file-error.ts'
import type { FileFault } from '../file/policy.ts'
import { O_TMPFILE } from '../native/link.ts'
import { REMEDIES } from '../remedy/remedies.ts'
import type { Remedy } from '../remedy/remedies.ts'
import type { FileUse, NamedFile } from './named-files.ts'

/** The errors of a process that lacks a right. Any other error would be root's, too. */
const DENIED: ReadonlySet<string | undefined> = new Set(['EACCES', 'EPERM'])
/** Home folders. Nobody else should enter one for the sake of one file. */
const HOMES = /^\/(?:root|home)(?:\/|$)/
/** Permission bits of files that the daemon reads, or marks too, when root shares them with its group. */
const MODES = { file: '640', list: '660' } as const

/**
 * Tries whether this process can use a file or folder. Returns what tells the fault to the daemon's user if it lacks the
 * right; `undefined`: it can, or nobody could.
 */
export function barredFile({ path, use }: NamedFile): ((account: Account) => FileFault) | undefined {
  try {
    TRIES[use](path)
    return undefined
  } catch (error) {
    if (!DENIED.has((error as NodeJS.ErrnoException).code)) return undefined
    const what = use === 'file' || use === 'folder' ? 'read' : 'write'
    const reason = reasonOf(error)
    return (account) => ({
      message: `user ${account.name} cannot ${what} ${path}: ${reason}`,
      ...cureOf(path, use, account),
    })
  }
}

/** Each use, without an effect. */
const TRIES: Readonly<Record<FileUse, (path: string) => void>> = {
  file: (path) => tryOpen(path, constants.O_RDONLY | constants.O_NONBLOCK),
  list: (path) => tryOpen(path, constants.O_RDWR | constants.O_NONBLOCK),
  folder: (path) => void readdirSync(path),
  gnupg: tryToWrite,
  published: tryToWrite,
}

function tryOpen(path: string, flags: number): void {
  closeSync(openSync(path, flags | constants.O_NOCTTY, 0o600))
}

/** Opens a file without a name in a folder. File systems that have no such files are not tried. */
function tryToWrite(folder: string): void {
  tryOpen(folder, constants.O_WRONLY | O_TMPFILE)
}

type Cure = { readonly cure: Remedy } | { readonly cure: string; readonly byHand: true }

/** Returns the command that lets the daemon's user use a path, or what to do by hand. */
function cureOf(path: string, use: FileUse, account: Account): Cure {
  const { name, group } = account
  const shut = foldersTo(path).filter((folder) => !mayEnter(folder, account))
  if (shut.some((folder) => HOMES.test(folder) || statOf(folder)?.gid !== 0)) {
    return { cure: `move it to a folder that ${name} can enter, such as /etc/postern`, byHand: true }
  }
  if (use === 'file' || use === 'list') return { cure: REMEDIES.share(group, shut, path, MODES[use]) }
  if (use === 'folder') return { cure: REMEDIES.shareFolder(group, [...shut, path]) }
  return { cure: REMEDIES.giveFolder(name, group, [...shut, path]) }
}

/** Returns the folders on the way to a path, from the root. */
function foldersTo(path: string): readonly string[] {
  const folder = dirname(path)
  return folder === path ? [] : [...foldersTo(folder), folder]
}

/** Judges by the permission bits. Access control lists are left to who reads the advice. */
function mayEnter(folder: string, { uid, gid }: Account): boolean {
  const stat = statOf(folder)
  if (stat === undefined) return true
  if (stat.uid === uid) return (stat.mode & constants.S_IXUSR) !== 0
  return (stat.mode & (stat.gid === gid ? constants.S_IXGRP : constants.S_IXOTH)) !== 0
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path)
  } catch {
    return undefined
  }
}
