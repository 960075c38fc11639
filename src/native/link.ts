import { constants } from 'node:fs'
import koffi from './koffi.ts'
import { errorName } from './libc.ts'

const libc = koffi.load(null)
// linkat(2): POSIX.1-2008.
const linkat = libc.func('int linkat(int oldFolder, const char *path, int newFolder, const char *name, int flags)')

/** The value for the current folder. Both paths are absolute here (Linux, `<fcntl.h>`). */
const AT_FDCWD = -100
const AT_SYMLINK_FOLLOW = 0x400

/** The open(2) flag for a file without a name in a folder (Linux, all architectures of Node). */
export const O_TMPFILE = 0o20_000_000 | constants.O_DIRECTORY

/**
 * Gives a name to a file without one, as open(2) describes for O_TMPFILE.
 *
 * @throws Error with the system's error as `code`
 */
export function nameFile(fd: number, path: string): void {
  if (linkat(AT_FDCWD, `/proc/self/fd/${fd}`, AT_FDCWD, path, AT_SYMLINK_FOLLOW) === 0) return
  const code = errorName()
  throw Object.assign(new Error(`${path}: ${code}`), { code })
}
