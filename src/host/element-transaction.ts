import { TABLE } from '../firewall/guard/element.ts'
import type { Element } from '../firewall/guard/element.ts'
import { LITTLE, MESSAGE_HEADER } from '../native/netlink-dump.ts'
import { parseAddress } from '../packet/address.ts'
import { TCP, UDP } from '../packet/packet.ts'
import { attribute, nested, port } from './netlink-attribute.ts'

/** netlink(7), `<linux/netfilter/nfnetlink.h>`: flags, and the messages around a transaction. */
const NLM_F_REQUEST = 0x1
const NLM_F_ACK = 0x4
const NLM_F_CREATE = 0x400
const BATCH_BEGIN = 0x10
const BATCH_END = 0x11
const SUBSYSTEM = 10
const NFPROTO_INET = 1
/** `<linux/netfilter/nf_tables.h>`: messages, and the attributes of a list of elements, of an element and of its key. */
const NEWSETELEM = (SUBSYSTEM << 8) | 12
const DELSETELEM = (SUBSYSTEM << 8) | 14
const LIST_TABLE = 1
const LIST_SET = 2
const LIST_ELEMENTS = 3
const LIST_ELEMENT = 1
const ELEMENT_KEY = 1
const ELEMENT_TIMEOUT = 4
const DATA_VALUE = 1
/** The guard's table without its family, which each message has in its header. */
const TABLE_NAME = text(TABLE.replace('inet ', ''))
/** The sets of single ports that are open for single addresses. */
const EXACT_SETS = new Set(['open4', 'open6'])

/**
 * Returns the transaction that lets elements through for `ms` milliseconds, as the kernel takes it: what
 * {@link openCommand} says in words. Returns `undefined` if an element is in a set of another kind.
 */
export function elementTransaction(elements: readonly Element[], ms: number): Uint8Array | undefined {
  const timeout = Buffer.alloc(8)
  timeout.writeBigUInt64BE(BigInt(Math.max(1, Math.ceil(ms))))
  const timed = attribute(ELEMENT_TIMEOUT, timeout)
  const messages: Uint8Array[] = [message(BATCH_BEGIN, 0, 0, SUBSYSTEM)]
  for (const [index, element] of elements.entries()) {
    const key = keyOf(element)
    if (key === undefined) return undefined
    const about = [attribute(LIST_TABLE, TABLE_NAME), attribute(LIST_SET, text(element.set))] as const
    const added = Buffer.concat([...about, nested(LIST_ELEMENTS, nested(LIST_ELEMENT, timed, key))])
    const removed = Buffer.concat([...about, nested(LIST_ELEMENTS, nested(LIST_ELEMENT, key))])
    // The kernel answers the last message once the whole transaction is in force.
    const last = index === elements.length - 1 ? NLM_F_ACK : 0
    messages.push(
      message(NEWSETELEM, NLM_F_CREATE, NFPROTO_INET, 0, added),
      message(DELSETELEM, 0, NFPROTO_INET, 0, removed),
      message(NEWSETELEM, NLM_F_CREATE | last, NFPROTO_INET, 0, added),
    )
  }
  return Buffer.concat([...messages, message(BATCH_END, 0, 0, SUBSYSTEM)])
}

/** Returns the key: address, protocol and port, each filled up to four bytes. */
function keyOf({ set, key, data }: Element): Uint8Array | undefined {
  const [host = '', protocol, number = ''] = key.split(' . ')
  const address = EXACT_SETS.has(set) && data === undefined ? parseAddress(host) : undefined
  if (address === undefined || !/^[0-9]+$/.test(number)) return undefined
  const { family, a, b, c, d } = address
  const words = Buffer.alloc(family === 4 ? 4 : 16)
  for (const [index, word] of (family === 4 ? [a] : [a, b, c, d]).entries()) words.writeInt32BE(word, 4 * index)
  const service = Uint8Array.of(protocol === 'tcp' ? TCP : UDP, 0, 0, 0, ...port(Number(number)), 0, 0)
  return nested(ELEMENT_KEY, attribute(DATA_VALUE, Buffer.concat([words, service])))
}

/** Makes a message: a struct nlmsghdr in the machine's byte order, and a struct nfgenmsg. */
function message(type: number, flags: number, family: number, resource: number, body = new Uint8Array()): Uint8Array {
  const bytes = Buffer.alloc(MESSAGE_HEADER + 4 + body.length)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  view.setUint32(0, bytes.length, LITTLE)
  view.setUint16(4, type, LITTLE)
  view.setUint16(6, NLM_F_REQUEST | flags, LITTLE)
  bytes[MESSAGE_HEADER] = family
  bytes.set(port(resource), MESSAGE_HEADER + 2)
  bytes.set(body, MESSAGE_HEADER + 4)
  return bytes
}

function text(name: string): Uint8Array {
  return Buffer.from(`${name}\0`)
}
