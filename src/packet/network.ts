import { formatAddress, parseAddress, sameAddress } from './address.ts'
import type { Address, Family } from './address.ts'

/** The number of bits in an address of each family. */
export const ADDRESS_BITS: Readonly<Record<Family, number>> = { 4: 32, 6: 128 }
const WORD_BITS = 32

/**
 * A network (RFC 4632), such as `192.0.2.0/24`: all addresses with the same first bits. The bits after the prefix are
 * 0.
 */
export interface Network {
  readonly address: Address
  /** The length of the prefix in bits, 0 to 32 or to 128. */
  readonly prefix: number
}

/** Returns the network of an address with a prefix. */
export function networkOf(address: Address, prefix: number): Network {
  const { family, a, b, c, d } = address
  const word = (value: number, index: number): number => value & wordMask(prefix - index * WORD_BITS)
  return { address: { family, a: word(a, 0), b: word(b, 1), c: word(c, 2), d: word(d, 3) }, prefix }
}

/** Returns true if the network contains the address. */
export function contains({ address, prefix }: Network, other: Address): boolean {
  return (
    address.family === other.family &&
    ((address.a ^ other.a) & wordMask(prefix)) === 0 &&
    ((address.b ^ other.b) & wordMask(prefix - WORD_BITS)) === 0 &&
    ((address.c ^ other.c) & wordMask(prefix - 2 * WORD_BITS)) === 0 &&
    ((address.d ^ other.d) & wordMask(prefix - 3 * WORD_BITS)) === 0
  )
}

/** Returns a mask of the first bits of a word: all bits for 32 or more, and no bits for 0 or less. */
function wordMask(bits: number): number {
  if (bits <= 0) return 0
  return bits >= WORD_BITS ? -1 : -1 << (WORD_BITS - bits)
}

/** Returns true if two networks are equal. */
export function sameNetwork(one: Network, other: Network): boolean {
  return one.prefix === other.prefix && sameAddress(one.address, other.address)
}

/** Returns a network as text. A single address has no prefix. */
export function formatNetwork({ address, prefix }: Network): string {
  const text = formatAddress(address)
  return prefix === ADDRESS_BITS[address.family] ? text : `${text}/${prefix}`
}

/**
 * Parses `192.0.2.0/24`, `2001:db8::/32` or a single address. Returns `undefined` for any other text. Bits after the
 * prefix, as in `192.0.2.7/24`, are ambiguous and also refused.
 */
export function parseNetwork(text: string): Network | undefined {
  const [before = '', after, ...rest] = text.split('/')
  const address = parseAddress(before)
  if (address === undefined || rest.length > 0) return undefined
  const bits = ADDRESS_BITS[address.family]
  if (after === undefined) return { address, prefix: bits }
  if (!/^(0|[1-9][0-9]{0,2})$/.test(after) || Number(after) > bits) return undefined
  const network = networkOf(address, Number(after))
  return formatAddress(network.address) === formatAddress(address) ? network : undefined
}
