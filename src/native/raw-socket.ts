import { formatAddress } from '../packet/address.ts'
import type { Address } from '../packet/address.ts'
import { closeDescriptor, errorName, openRawIpv4, sendToAddress } from './libc.ts'

/** AF_INET has the same number on all systems. */
const AF_INET = 2
/** Bytes of a struct sockaddr_in (ip(7)). */
const SOCKADDR_BYTES = 16
const LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1

/** A socket that sends IPv4 packets unchanged, headers included (raw(7)). The code that opens it closes it. */
export class RawIpv4 {
  readonly #fd: number

  /**
   * Opens the socket. It needs CAP_NET_RAW and Linux, because other systems want fields of the header in host byte
   * order.
   *
   * @throws Error with the system's `code` and `syscall`, like Node's own errors
   */
  constructor() {
    this.#fd = process.platform === 'linux' ? openRawIpv4() : -1
    if (this.#fd < 0) throw refusal('socket', process.platform === 'linux' ? errorName() : 'ENOTSUP')
  }

  /** Sends one packet. @throws Error like the constructor */
  send(packet: Uint8Array, destination: Address): void {
    const address = new DataView(new ArrayBuffer(SOCKADDR_BYTES))
    // The family is in host byte order, all other fields in network byte order.
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
