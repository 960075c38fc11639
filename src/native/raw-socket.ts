import { formatAddress } from '../packet/address.ts'
import type { Address } from '../packet/address.ts'
import { closeDescriptor, errorName, openRawIpv4, sendToAddress } from './libc.ts'

/** AF_INET, the same number everywhere. */
const AF_INET = 2
/** Bytes of a struct sockaddr_in (ip(7)). */
const SOCKADDR_BYTES = 16
const LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1

/** A socket that sends IPv4 packets as they stand, headers included (raw(7)). Whoever opens it closes it. */
export class RawIpv4 {
  readonly #fd: number

  /**
   * Needs CAP_NET_RAW, and Linux: other systems want fields of the header in their own byte order. Throws an Error with the
   * system's `code` and `syscall`, as Node's own do.
   */
  constructor() {
    this.#fd = process.platform === 'linux' ? openRawIpv4() : -1
    if (this.#fd < 0) throw refusal('socket', process.platform === 'linux' ? errorName() : 'ENOTSUP')
  }

  /** Sends one packet. Throws as the constructor does. */
  send(packet: Uint8Array, destination: Address): void {
    const address = new DataView(new ArrayBuffer(SOCKADDR_BYTES))
    // The family is in the machine's byte order, all else in the network's.
    address.setUint16(0, AF_INET, LITTLE_ENDIAN)
    address.setInt32(4, destination.a)
    if (!sendToAddress(this.#fd, packet, new Uint8Array(address.buffer))) {
      throw refusal('sendto', errorName(), formatAddress(destination))
    }
  }

  close(): void {
    closeDescriptor(this.#fd)
  }
}

function refusal(syscall: string, code: string, address = ''): Error {
  return Object.assign(new Error(`${syscall} ${code} ${address}`.trim()), { code, syscall })
}
