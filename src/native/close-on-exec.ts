import { readdirSync } from 'node:fs'
import koffi from 'koffi'

/** The process already has libc's functions. */
const libc = koffi.load(null)

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

// fcntl(2): POSIX. Variadic.
const fcntl = libc.func('int fcntl(int fd, int command, ...)')
const closeRange = bindCloseRange()

// close_range(2): in glibc since 2.34, and in FreeBSD since 12.2.
function bindCloseRange(): ((first: number, last: number, flags: number) => number) | undefined {
  try {
    return libc.func('int close_range(unsigned int first, unsigned int last, int flags)')
  } catch {
    return undefined
  }
}

/**
 * Marks every descriptor but 0, 1 and 2 as close-on-exec, so that no program inherits it. The libraries libpcap and
 * libnftables open theirs without the mark, and a parent process may have left some open.
 *
 * It is called after each native call that opens something, and before each program is run. Never throws.
 *
 * @param byRange uses close_range(2) if available; false selects the method for older systems
 */
export function markCloseOnExec(byRange = true): void {
  const flags = process.platform === 'freebsd' ? CLOSE_RANGE_CLOEXEC_FREEBSD : CLOSE_RANGE_CLOEXEC
  if (byRange && closeRange?.(FIRST, ANY, flags) === 0) return
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
