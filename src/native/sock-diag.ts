import { endianness } from 'node:os'
import type { Address } from '../packet/address.ts'
import { TCP } from '../packet/packet.ts'
import { closeDescriptor, errorName, openNetlink, receive, sendToAddress } from './libc.ts'

/** sock_diag(7), `<linux/netlink.h>`. */
const NETLINK_SOCK_DIAG = 4
/** `<linux/sock_diag.h>`. SOCK_DESTROY needs a kernel with CONFIG_INET_DIAG_DESTROY. */
const SOCK_DIAG_BY_FAMILY = 20
const SOCK_DESTROY = 21
const NLM_F_REQUEST = 1
const NLM_F_ACK = 4
const NLMSG_ERROR = 2
const AF_NETLINK = 16
const AF_INET = 2
const AF_INET6 = 10
/** `<net/tcp_states.h>` */
const LISTENING = 0x0a
/** Bytes of nlmsghdr, and of inet_diag_req_v2 and inet_diag_msg of `<linux/inet_diag.h>`. */
const HEADER = 16
const REQUEST = 56
const MESSAGE = 72
/** Offsets of a request's fields after the header. */
const REQUEST_STATES = 4
const REQUEST_ID = 8
/** Offsets of a message's fields after the header. */
const MESSAGE_STATE = 1
const MESSAGE_ID = 4
const MESSAGE_INODE = 68
/** Offsets of the fields of an id (inet_diag_sockid): two ports, two addresses, the interface, the cookie. */
const PEER_PORT = 2
const LOCAL = 4
const PEER = 20
const COOKIE = 40
const COOKIE_BYTES = 8
/** The most bytes of an answer. */
const ANSWER = 4_096
/** The host byte order, which netlink's own numbers use. */
const ORDER = endianness()
/** struct sockaddr_nl of the kernel itself. */
const KERNEL = Buffer.alloc(12)
KERNEL[`writeUInt16${ORDER}`](AF_NETLINK)
/** `<asm-generic/errno.h>`: errors to report. ENOENT is not one of them: the connection has ended by itself. */
const REFUSALS: Readonly<Record<number, string>> = { 1: 'EPERM', 22: 'EINVAL', 95: 'EOPNOTSUPP' }

/** A TCP connection of this host, by its two ends. */
export interface Ends {
  /** The end of this host. */
  readonly local: { readonly address: Address; readonly port: number }
  readonly peer: Address
  readonly peerPort: number
  /** The inode of its socket, if a program has it. A socket with another inode is left alone. */
  readonly inode: number | undefined
}

/**
 * Ends TCP connections of this host with a reset to both ends (Linux; like `ss -K`). A connection that no longer exists
 * is not an error.
 *
 * @returns the first error, such as `EOPNOTSUPP` if the kernel lacks the function; `undefined` if there was none
 */
export function destroyConnections(connections: Iterable<Ends>): string | undefined {
  const fd = openNetlink(NETLINK_SOCK_DIAG, 0)
  if (fd < 0) return errorName()
  let refusal: string | undefined
  try {
    for (const ends of connections) {
      // If the connection is gone, the kernel would choose the listening socket. Only a cookie identifies a socket.
      const cookie = cookieOf(fd, ends)
      if (cookie === undefined) continue
      const answer = ask(fd, requestFor(SOCK_DESTROY, NLM_F_REQUEST | NLM_F_ACK, ends, cookie))
      refusal ??= answer === undefined ? errorName() : refusalIn(answer)
    }
  } finally {
    closeDescriptor(fd)
  }
  return refusal
}

/** Returns the cookie of the connection's own socket, or `undefined` if it no longer exists. */
function cookieOf(fd: number, ends: Ends): Buffer | undefined {
  const answer = ask(fd, requestFor(SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, ends, Buffer.alloc(COOKIE_BYTES, 0xff)))
  if (answer === undefined || answer.length < HEADER + MESSAGE || typeOf(answer) !== SOCK_DIAG_BY_FAMILY)
    return undefined
  const message = answer.subarray(HEADER)
  const id = message.subarray(MESSAGE_ID)
  if (message[MESSAGE_STATE] === LISTENING || id.readUInt16BE(PEER_PORT) !== ends.peerPort) return undefined
  const inode = message[`readUInt32${ORDER}`](MESSAGE_INODE)
  // A socket that no program had yet may have got an inode since then.
  if (ends.inode !== undefined && ends.inode !== 0 && ends.inode !== inode) return undefined
  return id.subarray(COOKIE, COOKIE + COOKIE_BYTES)
}

/** Sends a request. The kernel answers while it accepts the request, so the answer is already there. */
function ask(fd: number, request: Buffer): Buffer | undefined {
  if (!sendToAddress(fd, request, KERNEL)) return undefined
  const answer = Buffer.alloc(ANSWER)
  const length = receive(fd, answer)
  return length < HEADER + 4 ? undefined : answer.subarray(0, length)
}

function requestFor(type: number, flags: number, { local, peer, peerPort }: Ends, cookie: Buffer): Buffer {
  const bytes = Buffer.alloc(HEADER + REQUEST)
  bytes[`writeUInt32${ORDER}`](bytes.length, 0)
  bytes[`writeUInt16${ORDER}`](type, 4)
  bytes[`writeUInt16${ORDER}`](flags, 6)
  const request = bytes.subarray(HEADER)
  request[0] = peer.family === 4 ? AF_INET : AF_INET6
  request[1] = TCP
  request.fill(0xff, REQUEST_STATES, REQUEST_ID)
  const id = request.subarray(REQUEST_ID)
  id.writeUInt16BE(local.port, 0)
  id.writeUInt16BE(peerPort, PEER_PORT)
  writeAddress(id, local.address, LOCAL)
  writeAddress(id, peer, PEER)
  cookie.copy(id, COOKIE)
  return bytes
}

function writeAddress(id: Buffer, { family, a, b, c, d }: Address, at: number): void {
  const words = family === 4 ? [a] : [a, b, c, d]
  for (const [index, word] of words.entries()) id.writeInt32BE(word | 0, at + index * 4)
}

function typeOf(answer: Buffer): number {
  return answer[`readUInt16${ORDER}`](4)
}

function refusalIn(answer: Buffer): string | undefined {
  if (typeOf(answer) !== NLMSG_ERROR) return undefined
  return REFUSALS[-answer[`readInt32${ORDER}`](HEADER)]
}
