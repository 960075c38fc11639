import koffi from 'koffi'

/** In the process already. */
const libc = koffi.load(null)

// socket(2), getsockopt(2), close(2): POSIX.1-2008. Everything stays the caller's.
const socket = libc.func('int socket(int domain, int type, int protocol)')
const getsockopt = libc.func('int getsockopt(int fd, int level, int name, _Out_ void *value, _Inout_ uint32_t *length)')
const close = libc.func('int close(int fd)')

/** As Linux numbers them on what Node.js runs on (asm-generic/socket.h); POWER has its own (asm/socket.h). */
const SOL_SOCKET = 1
const SO_PEERCRED = process.arch === 'ppc64' ? 21 : 17
const SO_NETNS_COOKIE = 71
const AF_UNIX = 1
const SOCK_DGRAM_CLOEXEC = 2 | 0x80000
/** Bytes of `struct ucred`: process, user, group. */
const CREDENTIALS_BYTES = 12
const COOKIE_BYTES = 8

/**
 * The user at the other end of a connected socket of the file system's family when it connected (unix(7), SO_PEERCRED).
 * `undefined`: the system does not say. Linux alone.
 */
export function peerUser(fd: number): number | undefined {
  const bytes = option(fd, SO_PEERCRED, CREDENTIALS_BYTES)
  return bytes === undefined ? undefined : words(bytes)[1]
}

/**
 * The kernel's name for the network namespace of this process: no other one has it before the next boot, while inode numbers
 * are used again. `undefined`: the system has none. Linux 5.14 and later.
 */
export function networkCookie(): bigint | undefined {
  if (process.platform !== 'linux') return undefined
  const fd: number = socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0)
  if (fd < 0) return undefined
  try {
    const bytes = option(fd, SO_NETNS_COOKIE, COOKIE_BYTES)
    return bytes === undefined ? undefined : new BigUint64Array(bytes.buffer, bytes.byteOffset, 1)[0]
  } finally {
    close(fd)
  }
}

function option(fd: number, name: number, length: number): Uint8Array | undefined {
  if (process.platform !== 'linux') return undefined
  const bytes = new Uint8Array(length)
  const size = [length]
  if (getsockopt(fd, SOL_SOCKET, name, bytes, size) !== 0 || size[0] !== length) return undefined
  return bytes
}

function words(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
}
