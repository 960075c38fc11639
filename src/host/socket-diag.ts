import { NETLINK_SOCK_DIAG, dumpTable } from '../native/netlink-dump.ts'
import type { Address, Family } from '../packet/address.ts'
import type { Network } from '../packet/network.ts'
import { TCP } from '../packet/packet.ts'
import { unmapped } from '../packet/scope.ts'
import { AF, addressBytes, addressIn } from './network-bytes.ts'
import { attribute, half, port, word } from './netlink-attribute.ts'

/** Constants of `<linux/sock_diag.h>` and `<linux/inet_diag.h>`. */
const SOCK_DIAG_BY_FAMILY = 20
/** The bit mask of a state: TCP_ESTABLISHED is 1 (`<net/tcp_states.h>`). */
const ESTABLISHED = 1 << 1
const INET_DIAG_REQ_BYTECODE = 1
/** A condition that the peer's address begins with these bits. */
const INET_DIAG_BC_D_COND = 8
/** Sizes and offsets in bytes: inet_diag_req_v2 and the inet_diag_sockid in it, inet_diag_bc_op, inet_diag_hostcond. */
const REQUEST_BYTES = 56
const ID_AT = 8
const OP_BYTES = 4
const CONDITION_BYTES = 8
/** Offsets in an inet_diag_msg: own port and peer's address; then the bytes up to the end of the id. */
const PORT_AT = 4
const PEER_AT = 24
const MESSAGE_BYTES = 56
/** Any port, in a condition. */
const ANY_PORT = word(0xffff_ffff)

/** The filter that the kernel applies. */
export interface SocketFilter {
  /** The family of the sockets. IPv6 sockets may have peers of either family. */
  readonly family: Family
  readonly from?: Network | undefined
  /** The port of this host. */
  readonly port?: number | undefined
}

/**
 * Asks sock_diag(7) for the established TCP sockets of this host.
 *
 * @throws NetlinkError if the kernel refuses the request
 */
export async function establishedSockets(
  filter: SocketFilter,
  each: (peer: Address, port: number) => void,
): Promise<boolean> {
  const { family } = filter
  return await dumpTable(NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, requestOf(filter), (view, start, end) => {
    // A socket for both families may have an IPv4 peer.
    if (end - start >= MESSAGE_BYTES)
      each(unmapped(addressIn(view, start + PEER_AT, family)), view.getUint16(start + PORT_AT))
  })
}

function requestOf({ family, from, port: own }: SocketFilter): Buffer {
  const request = Buffer.alloc(REQUEST_BYTES)
  request[0] = AF[family]
  request[1] = TCP
  request.set(word(ESTABLISHED), 4)
  if (own !== undefined) request.set(port(own), ID_AT)
  return from === undefined ? request : Buffer.concat([request, attribute(INET_DIAG_REQ_BYTECODE, conditionOf(from))])
}

/** Makes one instruction. It jumps to the end of the program to accept a socket, or beyond it to reject. */
function conditionOf({ address, prefix }: Network): Buffer {
  const bytes = addressBytes(address)
  const length = OP_BYTES + CONDITION_BYTES + bytes.length
  const condition = Buffer.alloc(length)
  condition[0] = INET_DIAG_BC_D_COND
  condition[1] = length
  condition.set(half(length + OP_BYTES), 2)
  condition[OP_BYTES] = AF[address.family]
  condition[OP_BYTES + 1] = prefix
  condition.set(ANY_PORT, OP_BYTES + 4)
  condition.set(bytes, OP_BYTES + CONDITION_BYTES)
  return condition
}
