import { closeSync, readdirSync } from 'node:fs'
import koffi from 'koffi'

const libc = koffi.load(null)
// pidfd_open(2), pidfd_getfd(2): the same numbers on every architecture. getsockname(2): POSIX.
const syscall = libc.func('long syscall(long number, long a, long b, long c)')
const getsockname = libc.func('int getsockname(int fd, void *address, void *length)')
const PIDFD_OPEN = 434
const PIDFD_GETFD = 438
/** The bytes of the longest address that is looked at here, `struct sockaddr_ll`. */
const ADDRESS_BYTES = 20

/** The address of a socket; zeros for what is no socket. */
export function addressOf(fd: number): Buffer {
  const address = Buffer.alloc(ADDRESS_BYTES)
  getsockname(fd, address, Buffer.from(new Uint32Array([address.length]).buffer))
  return address
}

/** Does something with a copy of each socket that a process has of an address family. Returns how many there are. */
export function withSockets(pid: number, family: number, act: (fd: number) => void): number {
  const pidfd = syscall(PIDFD_OPEN, pid, 0, 0) as number
  let found = 0
  for (const number of readdirSync(`/proc/${pid}/fd`)) {
    const fd = syscall(PIDFD_GETFD, pidfd, Number(number), 0) as number
    // A connection that asked for the status, and has ended since.
    if (fd < 0) continue
    try {
      if (addressOf(fd).readUInt16LE() !== family) continue
      found++
      act(fd)
    } finally {
      closeSync(fd)
    }
  }
  closeSync(pidfd)
  return found
}
