import { closeSync, openSync } from 'node:fs'
import koffi from 'koffi'

/** FS_IOC_SHUTDOWN of <linux/fs.h>, `_IOR('X', 125, __u32)`: older than that name as EXT4_IOC_SHUTDOWN, XFS_IOC_GOINGDOWN. */
const FS_IOC_SHUTDOWN = 0x80_04_58_7d
/** FS_SHUTDOWN_FLAGS_NOLOGFLUSH: neither data nor journal that waits in memory is written. */
const NOLOGFLUSH = 2

/**
 * Stops a mounted file system dead, as a power cut would: what was not synced is gone, every later call on it fails with
 * EIO. Needs root.
 *
 * @throws Error with the system's number where the file system cannot be stopped
 */
export function shutDown(mountPoint: string): void {
  const ioctl = koffi.load('libc.so.6').func('int ioctl(int fd, unsigned long request, const uint32_t *flags)')
  const fd = openSync(mountPoint, 'r')
  try {
    if (ioctl(fd, FS_IOC_SHUTDOWN, [NOLOGFLUSH]) !== 0) throw new Error(`${mountPoint}: errno ${koffi.errno()}`)
  } finally {
    closeSync(fd)
  }
}
