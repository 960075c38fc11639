import { endianness } from 'node:os'

/** NFNL_SUBSYS_NFTABLES of `<linux/netfilter/nfnetlink.h>`. */
const NFTABLES = 10
/** Messages of `<linux/netfilter/nf_tables.h>`. */
const NFT_MSG_NEWTABLE = 0
const NFT_MSG_DELTABLE = 2
const NFT_MSG_NEWGEN = 15
const NFT_MSG_NEWOBJ = 18
const NFT_MSG_DELOBJ = 20
/** The first attribute of tables, chains, rules, sets and elements: the table's name (NFTA_TABLE_NAME and its likes). */
const TABLE_NAME = 1
/** NFPROTO_INET of `<linux/netfilter.h>`. */
const NFPROTO_INET = 1
/** Bytes of the headers: nlmsghdr, nfgenmsg, nlattr. */
const MESSAGE_HEADER = 16
const FAMILY_HEADER = 4
const ATTRIBUTE_HEADER = 4
/** Of an attribute's type, without the flags for nesting and byte order (`<linux/netlink.h>`). */
const TYPE_MASK = 0x3fff

/** What is known of a table: as this process left it, changed or taken out by another, or nothing, because news were lost. */
export type TableState = 'intact' | 'changed' | 'gone' | 'unclear'

/**
 * Follows the kernel's news of the rules, and knows whether another process has touched a table of the family inet since
 * this one put it in as a whole. Elements whose time is over, and those that rules add, are no news to the kernel.
 */
export class RuleNews {
  readonly #table: string
  readonly #isOwn: (port: number) => boolean | undefined
  #state: TableState = 'intact'

  /**
   * @param isOwn whether a netlink port (netlink(7), `nl_pid`) is one of this process; `undefined` if that cannot be told
   */
  constructor(table: string, isOwn: (port: number) => boolean | undefined) {
    this.#table = table
    this.#isOwn = isOwn
  }

  get state(): TableState {
    return this.#state
  }

  /** Notes that news were lost. */
  lost(): void {
    if (this.#state === 'intact') this.#state = 'unclear'
  }

  /** Notes that the table was looked at and is as it should be. */
  seenIntact(): void {
    this.#state = 'intact'
  }

  /** Takes what one call of recv(2) gave. */
  read(bytes: Buffer): void {
    // The headers are in the machine's own order; on the few that begin with the high byte, the table is looked at.
    if (endianness() === 'BE') return this.lost()
    for (let at = 0; at + MESSAGE_HEADER <= bytes.length;) {
      const length = bytes.readUInt32LE(at)
      if (length < MESSAGE_HEADER || at + length > bytes.length) return this.lost()
      this.#take(bytes.subarray(at, at + length))
      at += align(length)
    }
  }

  #take(message: Buffer): void {
    const type = message.readUInt16LE(4)
    const kind = type & 0xff
    if (type >> 8 !== NFTABLES || kind === NFT_MSG_NEWGEN) return
    // Counters of the table cannot be taken out of it, and setting them back changes no rule.
    if (kind === NFT_MSG_NEWOBJ || kind === NFT_MSG_DELOBJ) return
    const whole = kind === NFT_MSG_NEWTABLE || kind === NFT_MSG_DELTABLE
    // Of a table that is known to be changed, only its going and coming back are of interest.
    if ((this.#state === 'changed' || this.#state === 'gone') && !whole) return
    if (message[MESSAGE_HEADER] !== NFPROTO_INET || tableIn(message) !== this.#table) return
    const own = this.#isOwn(message.readUInt32LE(12))
    // This process puts the whole table in, or single elements.
    if (own === true && kind === NFT_MSG_NEWTABLE) this.#state = 'intact'
    else if (own === false) this.#state = kind === NFT_MSG_DELTABLE ? 'gone' : 'changed'
    else if (own === undefined) this.lost()
  }
}

function tableIn(message: Buffer): string | undefined {
  for (let at = MESSAGE_HEADER + FAMILY_HEADER; at + ATTRIBUTE_HEADER <= message.length;) {
    const length = message.readUInt16LE(at)
    if (length < ATTRIBUTE_HEADER || at + length > message.length) return undefined
    if ((message.readUInt16LE(at + 2) & TYPE_MASK) === TABLE_NAME) {
      // A string with its end.
      return message.toString('latin1', at + ATTRIBUTE_HEADER, at + length - 1)
    }
    at += align(length)
  }
  return undefined
}

/** Netlink begins everything at multiples of four bytes. */
function align(length: number): number {
  return (length + 3) & ~3
}
