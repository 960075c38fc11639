import { closeDescriptor, openNetlink, receive, sendToAddress } from './libc.ts'
import { LITTLE, MESSAGE_HEADER, NETLINK_NETFILTER, aligned } from './netlink-dump.ts'

const NLMSG_ERROR = 2
const AF_NETLINK = 16
const SOCKADDR_BYTES = 12
const ANSWER_BYTES = 65_536
/** The most answers read for a transaction. The kernel sends one for each message that it refuses. */
const ANSWERS_MAX = 1_024

/**
 * A socket for transactions that are already encoded (netlink(7)). libnftables reads all sets and chains of this host
 * before each of its own transactions; this does not.
 */
export class NftablesSocket {
  readonly #fd = openNetlink(NETLINK_NETFILTER, 0)
  readonly #kernel = Buffer.alloc(SOCKADDR_BYTES)
  readonly #answer = Buffer.alloc(ANSWER_BYTES)
  readonly #view = new DataView(this.#answer.buffer, this.#answer.byteOffset, ANSWER_BYTES)

  constructor() {
    new DataView(this.#kernel.buffer, this.#kernel.byteOffset).setUint16(0, AF_NETLINK, LITTLE)
  }

  /**
   * Commits a transaction, the last message of which asks for an answer. The kernel handles it during the call. Returns
   * true if it is in force. If not, usually nothing of it is, but an answer may have been lost.
   */
  commit(transaction: Uint8Array): boolean {
    if (this.#fd < 0) return false
    this.#errors()
    if (!sendToAddress(this.#fd, transaction, this.#kernel)) return false
    const errors = this.#errors()
    return errors.length > 0 && errors.every((error) => error === 0)
  }

  close(): void {
    if (this.#fd >= 0) closeDescriptor(this.#fd)
  }

  /** Returns the error numbers in the waiting answers; 0 confirms. */
  #errors(): readonly number[] {
    const errors: number[] = []
    while (errors.length < ANSWERS_MAX) {
      const length = receive(this.#fd, this.#answer)
      if (length <= 0) break
      for (let at = 0; at + MESSAGE_HEADER + 4 <= length;) {
        const isError = this.#view.getUint16(at + 4, LITTLE) === NLMSG_ERROR
        errors.push(isError ? this.#view.getInt32(at + MESSAGE_HEADER, LITTLE) : -1)
        at += aligned(Math.max(MESSAGE_HEADER, this.#view.getUint32(at, LITTLE)))
      }
    }
    return errors
  }
}
