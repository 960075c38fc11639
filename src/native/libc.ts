import { constants } from 'node:os'
import koffi from './koffi.ts'
import { markCloseOnExec } from './close-on-exec.ts'

/** On every system, the process already has libc's functions. */
const libc = koffi.load(null)

/** A pointer as a koffi value. */
export type Pointer = bigint

// stdio(3), fmemopen(3): POSIX.1-2008. The buffer belongs to the caller. The stream is closed by its new owner.
const fmemopen = libc.func('void *fmemopen(void *buffer, size_t size, const char *mode)')
const fflush = libc.func('int fflush(void *stream)')
const ftell = libc.func('long ftell(void *stream)')
const rewind = libc.func('void rewind(void *stream)')
// flock(2): 4.4BSD, Linux.
const flock = libc.func('int flock(int fd, int operation)')
// if_nametoindex(3): RFC 3493.
const ifNameToIndex = libc.func('unsigned int if_nametoindex(const char *name)')
// syslog(3): POSIX. The variadic form gets one string for its "%s".
const openlogNative = libc.func('void openlog(void *ident, int option, int facility)')
const syslogNative = libc.func('void syslog(int priority, const char *format, const char *text)')
// socket(2), connect(2), bind(2), recv(2), sendto(2), close(2): POSIX.
const socketNative = libc.func('int socket(int domain, int type, int protocol)')
const connectNative = libc.func('int connect(int fd, const void *address, uint32_t length)')
const bindNative = libc.func('int bind(int fd, const void *address, uint32_t length)')
const recvNative = libc.func('intptr_t recv(int fd, void *buffer, size_t length, int flags)')
const sendtoNative = libc.func(
  'intptr_t sendto(int fd, const void *bytes, size_t length, int flags, const void *address, uint32_t addressLength)',
)
const closeNative = libc.func('int close(int fd)')
// setsockopt(2): POSIX.
const setsockopt = libc.func('int setsockopt(int fd, int level, int option, const void *value, uint32_t length)')

const LOCK_EX = 2
const LOCK_NB = 4

/** Takes an exclusive lock on an open file without waiting. Returns false if another process has the lock. */
export function tryLock(fd: number): boolean {
  return flock(fd, LOCK_EX | LOCK_NB) === 0
}

/** Returns the index of an interface, or 0 if its name is unknown. */
export function interfaceIndex(name: string): number {
  return ifNameToIndex(name)
}

/** A C stream that writes to memory which JavaScript can read. */
export class MemoryStream {
  /** The bytes written since the last `take`. */
  readonly bytes: Uint8Array
  readonly stream: Pointer

  constructor(size: number) {
    this.bytes = Buffer.allocUnsafeSlow(size)
    this.stream = fmemopen(this.bytes, size, 'w')
  }

  /** Returns the number of bytes written. Further bytes are written from the beginning again. */
  take(): number {
    fflush(this.stream)
    const length: number = ftell(this.stream)
    rewind(this.stream)
    return length
  }
}

const LOG_NDELAY = 8
const LOG_DAEMON = 3 << 3
/** The name for syslog(3). It must stay in memory, because syslog(3) keeps the pointer. */
let identity: Buffer | undefined

/**
 * Opens the system log with facility `daemon`, without the process id. It does so like knockd, for programs that read
 * knockd's log.
 */
export function openSyslog(name: string): void {
  identity = Buffer.from(`${name}\0`)
  openlogNative(identity, LOG_NDELAY, LOG_DAEMON)
  markCloseOnExec()
}

/**
 * Writes to the system log on a thread of the pool, because a full log socket blocks.
 *
 * @param priority 0 to 7
 */
export async function writeSyslog(priority: number, text: string): Promise<void> {
  await new Promise<void>((resolve) => {
    syslogNative.async(LOG_DAEMON | priority, '%s', text, () => resolve())
  })
}

/**
 * Linux accepts the flag with the socket type. On other systems, the descriptor is marked before any program is run.
 */
const SOCK_CLOEXEC = process.platform === 'linux' ? 0x80000 : 0
const AF_UNIX = 1
const AF_INET = 2
const AF_NETLINK = 16
/** With this protocol, the sender writes the IP header (raw(7)). */
const IPPROTO_RAW = 255
const SOCK_RAW = 3
const MSG_DONTWAIT = 0x40
const SOCK_DGRAM = 2
/** The longest path of a socket, with its terminator (unix(7)). */
const SUN_PATH_MAX = 108

/** Returns the address of a path in the system's layout (unix(7)); `undefined`: the path is too long. */
function unixAddress(path: string): Buffer | undefined {
  const name = Buffer.from(path.startsWith('@') ? `\0${path.slice(1)}` : path)
  if (name.length >= SUN_PATH_MAX) return undefined
  const address = Buffer.alloc(2 + name.length)
  address.writeUInt16LE(AF_UNIX, 0)
  name.copy(address, 2)
  return address
}

/** A Unix socket of datagrams, which is bound to no path. */
export class UnixDatagrams {
  #fd = -1

  /**
   * Sends one datagram. Returns `undefined`, or the name of the error, such as EAGAIN.
   *
   * @param path a path of 107 bytes at most; one that begins with `@` is in the abstract namespace
   * @param wait false if a full socket is an error
   */
  send(path: string, bytes: Uint8Array, wait: boolean): string | undefined {
    const address = unixAddress(path)
    if (address === undefined) return 'ENAMETOOLONG'
    if (this.#open() < 0) return errorName()
    return sendToAddress(this.#fd, bytes, address, wait) ? undefined : errorName()
  }

  /** Returns false if no process has a socket open at a path, though a file may be left there. Sends nothing. */
  isServed(path: string): boolean {
    const address = unixAddress(path)
    if (address === undefined || connectNative(this.#open(), address, address.length) === 0)
      return address !== undefined
    return !['ENOENT', 'ECONNREFUSED'].includes(errorName())
  }

  close(): void {
    if (this.#fd >= 0) closeNative(this.#fd)
  }

  /** Tries again after no descriptor was left. Returns -1 if there is still no free one. */
  #open(): number {
    if (this.#fd < 0) this.#fd = socketNative(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)
    return this.#fd
  }
}

/**
 * Sends one datagram to a Unix socket, as {@link UnixDatagrams} does.
 *
 * @param wait false if the datagram is dropped rather than waiting for a full socket
 */
export function sendToUnixSocket(path: string, text: string, wait: boolean): boolean {
  const socket = new UnixDatagrams()
  const error = socket.send(path, Buffer.from(text), wait)
  socket.close()
  return error === undefined
}

/** Opens a socket for the kernel's notifications (netlink(7)). Returns -1 on failure. */
export function openNetlink(protocol: number, groups: number): number {
  const fd: number = socketNative(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol)
  if (fd < 0) return -1
  const address = Buffer.alloc(12)
  address.writeUInt16LE(AF_NETLINK, 0)
  address.writeUInt32LE(groups, 8)
  if (bindNative(fd, address, address.length) === 0) return fd
  closeNative(fd)
  return -1
}

/** socket(7), of the generic `<asm/socket.h>`. On other architectures, an unknown number has no effect. */
const SOL_SOCKET = 1
const SO_RCVBUFFORCE = 33

/** Enlarges the receive buffer of a socket beyond the system's limit (root, on Linux). Elsewhere it has no effect. */
export function growReceiveBuffer(fd: number, maxBytes: number): void {
  const value = Buffer.alloc(4)
  value.writeInt32LE(maxBytes)
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, value, value.length)
}

/** Receives the waiting data of a socket, without blocking. Returns 0 or less if nothing waits. */
export function receive(fd: number, bytes: Uint8Array): number {
  return recvNative(fd, bytes, bytes.length, MSG_DONTWAIT)
}

/** Opens a socket. Returns -1 on failure; {@link errorName} has the reason. */
export function openSocket(domain: number, type: number, protocol: number): number {
  return socketNative(domain, type | SOCK_CLOEXEC, protocol)
}

/** Binds a socket to an address in the system's layout. Returns false on failure. */
export function bindToAddress(fd: number, address: Uint8Array): boolean {
  return bindNative(fd, address, address.length) === 0
}

/** Opens a socket that sends IPv4 packets with their headers (raw(7); Linux only). Returns -1 on failure. */
export function openRawIpv4(): number {
  return openSocket(AF_INET, SOCK_RAW, IPPROTO_RAW)
}

/**
 * Sends one packet to a socket address in the system's layout. Returns false on failure; {@link errorName} has the
 * reason.
 *
 * @param wait false if a full socket is an error
 */
export function sendToAddress(fd: number, bytes: Uint8Array, address: Uint8Array, wait = true): boolean {
  const flags = wait ? 0 : MSG_DONTWAIT
  return sendtoNative(fd, bytes, bytes.length, flags, address, address.length) === bytes.length
}

export function closeDescriptor(fd: number): void {
  closeNative(fd)
}

/** Returns the name of an error, such as ENOENT; by default that of the last failed call. */
export function errorName(number = koffi.errno()): string {
  return Object.entries(constants.errno).find(([, value]) => value === number)?.[0] ?? `errno ${number}`
}
