import koffi from './koffi.ts'

/** The process already has libc's functions. */
const libc = koffi.load(null)

// socket(2), getsockopt(2), close(2): POSIX.1-2008. The caller owns all memory.
const socket = libc.func('int socket(int domain, int type, int protocol)')
const getsockopt = libc.func('int getsockopt(int fd, int level, int name, _Out_ void *value, _Inout_ uint32_t *length)')
const close = libc.func('int close(int fd)')

/** Linux's numbers on Node.js's platforms (asm-generic/socket.h). POWER has its own (asm/socket.h). */
const SOL_SOCKET = 1
const SO_PEERCRED = process.arch === 'ppc64' ? 21 : 17
const SO_NETNS_COOKIE = 71
const AF_UNIX = 1
const SOCK_DGRAM_CLOEXEC = 2 | 0x80000
/** Bytes of `struct ucred`: process, user, group. */
const CREDENTIALS_BYTES = 12
const COOKIE_BYTES = 8

/**
 * Returns the process at the other end of a Unix socket and its user, as of its connect(2) or listen(2) (unix(7),
 * SO_PEERCRED; Linux only). Returns `undefined` if the system does not tell.
 */
export function peerProcess(fd: number): { readonly pid: number; readonly uid: number } | undefined {
  const bytes = option(fd, SO_PEERCRED, CREDENTIALS_BYTES)
  const [pid, uid] = bytes === undefined ? [] : words(bytes)
  return pid === undefined || uid === undefined ? undefined : { pid, uid }
}

/**
 * Returns the kernel's id for the network namespace of this process (Linux 5.14 and later). Unlike inode numbers, it is
 * not reused before the next boot. Returns `undefined` if the system has none.
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
