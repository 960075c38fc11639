import { endianness } from 'node:os'

/** NFNL_SUBSYS_NFTABLES of `<linux/netfilter/nfnetlink.h>`. */
const NFTABLES = 10
/** Messages of `<linux/netfilter/nf_tables.h>`. */
const NFT_MSG_NEWTABLE = 0
const NFT_MSG_DELTABLE = 2
const NFT_MSG_NEWGEN = 15
const NFT_MSG_NEWOBJ = 18
const NFT_MSG_DELOBJ = 20
/**
 * The first attribute of tables, chains, rules, sets and elements: the table's name (NFTA_TABLE_NAME and equivalents).
 */
const TABLE_NAME = 1
/** NFPROTO_INET of `<linux/netfilter.h>`. */
const NFPROTO_INET = 1
/** Bytes of the headers: nlmsghdr, nfgenmsg, nlattr. */
const MESSAGE_HEADER = 16
const FAMILY_HEADER = 4
const ATTRIBUTE_HEADER = 4
/** Mask for an attribute's type, without the flags for nesting and byte order (`<linux/netlink.h>`). */
const TYPE_MASK = 0x3fff

/**
 * The known state of a table: as this process left it, changed or removed by another process, or unclear. It is unclear
 * after notifications were lost.
 */
export type TableState = 'intact' | 'changed' | 'gone' | 'unclear'

/**
 * Reads the kernel's notifications of rule changes. It detects whether another process has changed a table of the
 * family inet since this process installed it. The kernel does not report elements that expire or that rules add.
 */
export class RuleNews {
  readonly #table: string
  readonly #isOwn: (port: number) => boolean | undefined
  #state: TableState = 'intact'
  #changes = 0
  #isIncomplete = false

  /**
   * @param isOwn returns true if a netlink port (netlink(7), `nl_pid`) belongs to this process; `undefined` if unknown
   */
  constructor(table: string, isOwn: (port: number) => boolean | undefined) {
    this.#table = table
    this.#isOwn = isOwn
  }

  get state(): TableState {
    return this.#state
  }

  /** Changes of the table by other processes so far, those included that an installation has replaced since. */
  get changes(): number {
    return this.#changes
  }

  /**
   * Records that notifications were lost. The kernel reports a loss before the notifications that it kept, so a later own
   * installation may be older than what was lost: the table has to be checked.
   */
  lost(): void {
    this.#isIncomplete = true
    if (this.#state === 'intact') this.#state = 'unclear'
  }

  /** Records that the table was checked and is correct. */
  seenIntact(): void {
    this.#isIncomplete = false
    this.#state = 'intact'
  }

  /** Reads the result of one call of recv(2). */
  read(bytes: Buffer): void {
    // The headers are in host byte order. On the few big-endian hosts, the table itself is checked instead.
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
    // Counters of the table cannot be removed from it, and resetting them changes no rule.
    if (kind === NFT_MSG_NEWOBJ || kind === NFT_MSG_DELOBJ) return
    const whole = kind === NFT_MSG_NEWTABLE || kind === NFT_MSG_DELTABLE
    // If the table is already known to be changed, only its removal and return matter.
    if ((this.#state === 'changed' || this.#state === 'gone') && !whole) return
    if (message[MESSAGE_HEADER] !== NFPROTO_INET || tableIn(message) !== this.#table) return
    const own = this.#isOwn(message.readUInt32LE(12))
    // This process installs the whole table, or changes single elements.
    if (own === true && kind === NFT_MSG_NEWTABLE) this.#state = this.#isIncomplete ? 'unclear' : 'intact'
    else if (own === false) {
      this.#changes++
      this.#state = kind === NFT_MSG_DELTABLE ? 'gone' : 'changed'
    } else if (own === undefined) this.lost()
  }
}

function tableIn(message: Buffer): string | undefined {
  for (let at = MESSAGE_HEADER + FAMILY_HEADER; at + ATTRIBUTE_HEADER <= message.length;) {
    const length = message.readUInt16LE(at)
    if (length < ATTRIBUTE_HEADER || at + length > message.length) return undefined
    if ((message.readUInt16LE(at + 2) & TYPE_MASK) === TABLE_NAME) {
      // The string ends with a zero byte.
      return message.toString('latin1', at + ATTRIBUTE_HEADER, at + length - 1)
    }
    at += align(length)
  }
  return undefined
}

/** Rounds up to a multiple of four, the alignment of netlink. */
function align(length: number): number {
  return (length + 3) & ~3
}
