import { endianness } from 'node:os'
import type { Address } from '../packet/address.ts'
import { TCP } from '../packet/packet.ts'
import { closeDescriptor, errorName, openNetlink, receive, sendToAddress } from './libc.ts'

/** sock_diag(7), `<linux/netlink.h>`. */
const NETLINK_SOCK_DIAG = 4
/** `<linux/sock_diag.h>`: needs a kernel with CONFIG_INET_DIAG_DESTROY. */
const SOCK_DESTROY = 21
const NLM_F_REQUEST = 1
const NLM_F_ACK = 4
const NLMSG_ERROR = 2
const AF_NETLINK = 16
const AF_INET = 2
const AF_INET6 = 10
/** Bytes of nlmsghdr, and of inet_diag_req_v2 of `<linux/inet_diag.h>`. */
const HEADER = 16
const REQUEST = 56
/** Where the parts of that are, behind the header. */
const STATES = 4
const PORTS = 8
const LOCAL = 12
const PEER = 28
const COOKIE = 48
/** Bytes that an answer has at most: the error, with the request in it. */
const ANSWER = 256
/** struct sockaddr_nl to the kernel itself. */
const KERNEL = Buffer.alloc(12)
if (endianness() === 'LE') KERNEL.writeUInt16LE(AF_NETLINK)
else KERNEL.writeUInt16BE(AF_NETLINK)

/** A TCP connection of this host, by its two ends. */
export interface Ends {
  /** This host's end. */
  readonly local: { readonly address: Address; readonly port: number }
  readonly peer: Address
  readonly peerPort: number
}

/**
 * Ends TCP connections of this host, both ends being told by a reset (Linux; as `ss -K`). One that is not there any more is
 * no error.
 *
 * @returns what the system refused it with: `EOPNOTSUPP` where the kernel was built without; `undefined`: nothing was
 */
export function destroyConnections(connections: Iterable<Ends>): string | undefined {
  const fd = openNetlink(NETLINK_SOCK_DIAG, 0)
  if (fd < 0) return errorName()
  const answer = Buffer.alloc(ANSWER)
  let refusal: string | undefined
  try {
    for (const ends of connections) {
      if (!sendToAddress(fd, requestFor(ends), KERNEL)) refusal ??= errorName()
      // The kernel has answered by the time it has taken the request.
      else if (receive(fd, answer) >= HEADER + 4) refusal ??= refusalIn(answer)
    }
  } finally {
    closeDescriptor(fd)
  }
  return refusal
}

function requestFor({ local, peer, peerPort }: Ends): Buffer {
  const bytes = Buffer.alloc(HEADER + REQUEST)
  const own = endianness() === 'LE' ? 'LE' : 'BE'
  bytes[`writeUInt32${own}`](bytes.length, 0)
  bytes[`writeUInt16${own}`](SOCK_DESTROY, 4)
  bytes[`writeUInt16${own}`](NLM_F_REQUEST | NLM_F_ACK, 6)
  const request = bytes.subarray(HEADER)
  request[0] = peer.family === 4 ? AF_INET : AF_INET6
  request[1] = TCP
  request.fill(0xff, STATES, PORTS)
  request.writeUInt16BE(local.port, PORTS)
  request.writeUInt16BE(peerPort, PORTS + 2)
  writeAddress(request, local.address, LOCAL)
  writeAddress(request, peer, PEER)
  // INET_DIAG_NOCOOKIE: whichever socket it is.
  request.fill(0xff, COOKIE)
  return bytes
}

function writeAddress(request: Buffer, { family, a, b, c, d }: Address, at: number): void {
  const words = family === 4 ? [a] : [a, b, c, d]
  for (const [index, word] of words.entries()) request.writeInt32BE(word | 0, at + index * 4)
}

function refusalIn(answer: Buffer): string | undefined {
  if (answer[endianness() === 'LE' ? 4 : 5] !== NLMSG_ERROR) return undefined
  const code = endianness() === 'LE' ? answer.readInt32LE(HEADER) : answer.readInt32BE(HEADER)
  return REFUSALS[-code]
}

/** `<asm-generic/errno.h>`: what is to be told; ENOENT, a connection that has ended by itself, is not. */
const REFUSALS: Readonly<Record<number, string>> = { 1: 'EPERM', 22: 'EINVAL', 95: 'EOPNOTSUPP' }
