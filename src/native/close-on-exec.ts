import { readdirSync } from 'node:fs'
import koffi from 'koffi'

/** Everything libc is asked for is in the process already. */
const libc = koffi.load(null)

/** The first descriptor behind standard input, output and error. */
const FIRST = 3
/** Behind the last one that there can be. */
const ANY = 0xffff_ffff
/** `<linux/close_range.h>`, Linux 5.11; FreeBSD has the same in `<unistd.h>`: mark, do not close. */
const CLOSE_RANGE_CLOEXEC = 1 << 2
const CLOSE_RANGE_CLOEXEC_FREEBSD = 1 << 4
/** `<fcntl.h>`, the same number everywhere. */
const F_SETFD = 2
const FD_CLOEXEC = 1
/** Where a system lists the descriptors of a process; without a list, this many are tried. */
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
 * Marks every descriptor but 0, 1 and 2 as close-on-exec, so that no program that is run inherits it: libpcap and
 * libnftables open theirs without the mark, and whoever started this process may have left some of their own open.
 *
 * Called after each native call that opens something, and once more ahead of each program that is run. Never throws.
 *
 * @param byRange use close_range(2) where there is one; false takes the way of older systems
 */
export function markCloseOnExec(byRange = true): void {
  const flags = process.platform === 'freebsd' ? CLOSE_RANGE_CLOEXEC_FREEBSD : CLOSE_RANGE_CLOEXEC
  if (byRange && closeRange?.(FIRST, ANY, flags) === 0) return
  for (const fd of openDescriptors()) fcntl(fd, F_SETFD, 'int', FD_CLOEXEC)
}

/** The open descriptors but 0, 1 and 2, and perhaps some that are not open. */
function openDescriptors(): readonly number[] {
  for (const list of LISTS) {
    try {
      const found = readdirSync(list)
        .map(Number)
        .filter((fd) => fd >= FIRST)
      // Without fdescfs(5), /dev/fd has the first three alone.
      if (found.length > 0) return found
    } catch {
      // Another list, or none.
    }
  }
  return Array.from({ length: TRIED_MAX }, (_, index) => index + FIRST)
}
