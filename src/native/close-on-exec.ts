import { readdirSync } from 'node:fs'
import { NativeCodeError, loadKoffi } from './native-code.ts'

/** The first descriptor after standard input, output and error. */
const FIRST = 3
/** The upper end of all possible descriptors. */
const ANY = 0xffff_ffff
/**
 * The flag to mark descriptors instead of closing them: `<linux/close_range.h>`, Linux 5.11. FreeBSD has the same in
 * `<unistd.h>`.
 */
const CLOSE_RANGE_CLOEXEC = 1 << 2
const CLOSE_RANGE_CLOEXEC_FREEBSD = 1 << 4
/** `<fcntl.h>`; the numbers are the same on all systems. */
const F_SETFD = 2
const FD_CLOEXEC = 1
/** Folders that list the descriptors of a process. Without such a folder, this many are tried. */
const LISTS = ['/proc/self/fd', '/dev/fd']
const TRIED_MAX = 1_024

/** The functions that mark descriptors. */
interface Marking {
  readonly fcntl: (fd: number, command: number, kind: 'int', flags: number) => number
  readonly closeRange: ((first: number, last: number, flags: number) => number) | undefined
}

let marking: Marking | undefined

/** Returns the functions. @throws NativeCodeError */
function bind(): Marking {
  const libc = loadKoffi().load(null)
  // fcntl(2): POSIX. Variadic.
  const fcntl = libc.func('int fcntl(int fd, int command, ...)')
  try {
    // close_range(2): in glibc since 2.34, and in FreeBSD since 12.2.
    return { fcntl, closeRange: libc.func('int close_range(unsigned int first, unsigned int last, int flags)') }
  } catch {
    return { fcntl, closeRange: undefined }
  }
}

/** Returns the functions; `undefined`: koffi is missing. Programs then inherit only what this process inherited. */
function boundMarking(): Marking | undefined {
  try {
    return bind()
  } catch (error) {
    if (error instanceof NativeCodeError) return undefined
    throw error
  }
}

/**
 * Marks every descriptor but 0, 1 and 2 as close-on-exec, so that no program inherits it. The libraries libpcap and
 * libnftables open theirs without the mark, and a parent process may have left some open.
 *
 * It is called after each native call that opens something, and before each program is run. Never throws. Without koffi
 * it marks nothing: only libraries open such descriptors, and Node.js marks its own. Windows hands on none by itself.
 *
 * @param byRange uses close_range(2) if available; false selects the method for older systems
 */
export function markCloseOnExec(byRange = true): void {
  const flags = process.platform === 'freebsd' ? CLOSE_RANGE_CLOEXEC_FREEBSD : CLOSE_RANGE_CLOEXEC
  if (process.platform === 'win32') return
  marking ??= boundMarking()
  if (marking === undefined || (byRange && marking.closeRange?.(FIRST, ANY, flags) === 0)) return
  const { fcntl } = marking
  for (const fd of openDescriptors()) fcntl(fd, F_SETFD, 'int', FD_CLOEXEC)
}

/** Returns the open descriptors except 0, 1 and 2, and possibly some that are not open. */
function openDescriptors(): readonly number[] {
  for (const list of LISTS) {
    try {
      const found = readdirSync(list)
        .map(Number)
        .filter((fd) => fd >= FIRST)
      // Without fdescfs(5), /dev/fd lists only the first three.
      if (found.length > 0) return found
    } catch {
      // The next folder is tried.
    }
  }
  return Array.from({ length: TRIED_MAX }, (_, index) => index + FIRST)
}
