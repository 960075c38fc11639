import { constants } from 'node:os'
import koffi from 'koffi'
import { markCloseOnExec } from './close-on-exec.ts'

/** Everything libc is asked for is in the process already, on every system. */
const libc = koffi.load(null)

/** A pointer, as koffi hands it over. */
export type Pointer = bigint

// stdio(3), fmemopen(3): POSIX.1-2008. The buffer stays the caller's, the stream is closed by whoever it is given to.
const fmemopen = libc.func('void *fmemopen(void *buffer, size_t size, const char *mode)')
const fflush = libc.func('int fflush(void *stream)')
const ftell = libc.func('long ftell(void *stream)')
const rewind = libc.func('void rewind(void *stream)')
// flock(2): 4.4BSD, Linux.
const flock = libc.func('int flock(int fd, int operation)')
// if_nametoindex(3): RFC 3493.
const ifNameToIndex = libc.func('unsigned int if_nametoindex(const char *name)')
// syslog(3): POSIX. The variadic form is given one string for its "%s".
const openlogNative = libc.func('void openlog(void *ident, int option, int facility)')
const syslogNative = libc.func('void syslog(int priority, const char *format, const char *text)')
// socket(2), bind(2), recv(2), sendto(2), close(2): POSIX.
const socketNative = libc.func('int socket(int domain, int type, int protocol)')
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

/** Takes an exclusive lock on an open file without waiting; `false` if another process has it. */
export function tryLock(fd: number): boolean {
  return flock(fd, LOCK_EX | LOCK_NB) === 0
}

/** The interface's number; 0 where there is none of that name. */
export function interfaceIndex(name: string): number {
  return ifNameToIndex(name)
}

/** A stream that writes into memory which is readable here. */
export class MemoryStream {
  /** What was written since the last `take`. */
  readonly bytes: Uint8Array
  readonly stream: Pointer

  constructor(size: number) {
    this.bytes = Buffer.allocUnsafeSlow(size)
    this.stream = fmemopen(this.bytes, size, 'w')
  }

  /** How many bytes were written; the next are written from the beginning again. */
  take(): number {
    fflush(this.stream)
    const length: number = ftell(this.stream)
    rewind(this.stream)
    return length
  }
}

const LOG_NDELAY = 8
const LOG_DAEMON = 3 << 3
/** Kept for as long as the process lives: syslog(3) keeps the pointer. */
let identity: Buffer | undefined

/** Opens the system log under a name, facility `daemon`, without the process's id: as knockd does, for what reads its log. */
export function openSyslog(name: string): void {
  identity = Buffer.from(`${name}\0`)
  openlogNative(identity, LOG_NDELAY, LOG_DAEMON)
  markCloseOnExec()
}

/** Writes to the system log from a thread of the pool: a full log socket blocks. `priority`: 0 to 7. */
export async function writeSyslog(priority: number, text: string): Promise<void> {
  await new Promise<void>((resolve) => {
    syslogNative.async(LOG_DAEMON | priority, '%s', text, () => resolve())
  })
}

/** Linux takes the flag with the type; elsewhere the descriptor is marked before anything is run. */
const SOCK_CLOEXEC = process.platform === 'linux' ? 0x80000 : 0
const AF_UNIX = 1
const AF_INET = 2
const AF_NETLINK = 16
/** The header is the sender's to write (raw(7)). */
const IPPROTO_RAW = 255
const SOCK_RAW = 3
const MSG_DONTWAIT = 0x40
const SOCK_DGRAM = 2
/** Longest path of a socket, with its end (unix(7)). */
const SUN_PATH_MAX = 108

/** Sends one datagram to a socket in the file system, or in the abstract space where the path begins with `@`. */
export function sendToUnixSocket(path: string, text: string): boolean {
  const name = Buffer.from(path.startsWith('@') ? `\0${path.slice(1)}` : path)
  if (name.length >= SUN_PATH_MAX) return false
  const address = Buffer.alloc(2 + name.length)
  address.writeUInt16LE(AF_UNIX, 0)
  name.copy(address, 2)
  const fd: number = socketNative(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)
  if (fd < 0) return false
  const bytes = Buffer.from(text)
  const sent: number = sendtoNative(fd, bytes, bytes.length, 0, address, address.length)
  closeNative(fd)
  return sent === bytes.length
}

/** A socket that is told of the kernel's changes (netlink(7)); -1 where it could not be had. */
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

/** socket(7), of the generic `<asm/socket.h>`; a number that another architecture does not know changes nothing. */
const SOL_SOCKET = 1
const SO_RCVBUFFORCE = 33

/** Lets more wait at a socket than the system's own limit: for root, on Linux. Elsewhere it stays as it is. */
export function growReceiveBuffer(fd: number, maxBytes: number): void {
  const value = Buffer.alloc(4)
  value.writeInt32LE(maxBytes)
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, value, value.length)
}

/** Takes what waits at a socket, without waiting; 0 and less: nothing does. */
export function receive(fd: number, bytes: Uint8Array): number {
  return recvNative(fd, bytes, bytes.length, MSG_DONTWAIT)
}

/** A socket that sends IPv4 packets with their headers (raw(7)); -1 where it could not be had. Linux alone. */
export function openRawIpv4(): number {
  return socketNative(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW)
}

/** Sends one packet to a socket address of the system's own layout; `false`: {@link errorName} says why not. */
export function sendToAddress(fd: number, bytes: Uint8Array, address: Uint8Array): boolean {
  return sendtoNative(fd, bytes, bytes.length, 0, address, address.length) === bytes.length
}

/** Closes a descriptor. */
export function closeDescriptor(fd: number): void {
  closeNative(fd)
}

/** What the last call that failed, failed with, by name. */
export function errorName(): string {
  const number = koffi.errno()
  return Object.entries(constants.errno).find(([, value]) => value === number)?.[0] ?? `errno ${number}`
}
